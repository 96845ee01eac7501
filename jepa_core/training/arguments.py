"""From a recipe's ``training`` section to transformers' TrainingArguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import TrainingArguments

from jepa_core.errors import JepaError

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe

#: What is not left to TrainingArguments: the trainer would ask the objective for it, and it is the model's.
ELSEWHERE = ("gradient_checkpointing",)


def training_arguments(recipe: Recipe, checkpoints: Path, use_cpu: bool = False) -> TrainingArguments:
    """The arguments, with what must hold for exact numbers set for good.

    Raises JepaError when transformers refuses the combination.
    """
    try:
        return TrainingArguments(
            output_dir=str(checkpoints),
            seed=recipe.seed,
            logging_nan_inf_filter=False,  # the default logs a dead run as 0.0
            remove_unused_columns=False,  # batches are ready ones
            ddp_find_unused_parameters=False,  # every parameter is in every step's graph
            disable_tqdm=True,  # the progress line is ours
            log_level="error",  # and its warnings, about what is set here for good, would break it
            # said outright where there is nothing else: several processes would be told they are one
            use_cpu=use_cpu or not torch.accelerator.is_available(),
            dataloader_pin_memory=torch.cuda.is_available() and not use_cpu,
            **{name: value for name, value in recipe.training.arguments().items() if name not in ELSEWHERE},
        )
    except (ValueError, ImportError) as error:
        raise JepaError(f"training: {error}") from error
