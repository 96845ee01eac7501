"""Turns a recipe's ``training`` section into transformers' TrainingArguments."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import PartialState
from transformers import TrainingArguments

from jepa_core.distributed import meeting

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe

#: Keys kept from TrainingArguments: the trainer would apply them to the objective instead of the model.
ELSEWHERE = ("gradient_checkpointing",)


def training_arguments(recipe: Recipe, checkpoints: Path, use_cpu: bool = False) -> TrainingArguments:
    """Makes the arguments, with those that exact numbers depend on fixed. Several processes meet here.

    Raises RecipeError when transformers refuses one of them on this machine.
    """
    use_cpu = use_cpu or not torch.accelerator.is_available()
    try:
        with meeting(recipe.training.ddp_timeout):
            return _made(recipe, checkpoints, use_cpu)
    except (ValueError, ImportError) as error:
        raise recipe.error(_named_in(str(error), recipe), str(error)) from error


def _made(recipe: Recipe, checkpoints: Path, use_cpu: bool) -> TrainingArguments:
    if use_cpu:  # TrainingArguments forgets the timeout where there is no GPU
        PartialState(cpu=True, timeout=timedelta(seconds=recipe.training.ddp_timeout))
    return TrainingArguments(
        output_dir=str(checkpoints),
        seed=recipe.seed,
        logging_nan_inf_filter=False,  # the default logs a dead run as 0.0
        remove_unused_columns=False,  # batches are ready ones
        ddp_find_unused_parameters=False,  # every parameter is in every step's graph
        disable_tqdm=True,  # the progress line is ours
        log_level="error",  # and its warnings, about what is set here for good, would break it
        use_cpu=use_cpu,  # said outright where there is nothing else: several would be told they are one
        dataloader_pin_memory=torch.cuda.is_available() and not use_cpu,
        **{name: value for name, value in recipe.training.arguments().items() if name not in ELSEWHERE},
    )


def _named_in(message: str, recipe: Recipe) -> str:
    """The key that transformers complains of, or else the section."""
    names = sorted(type(recipe.training).model_fields, key=len, reverse=True)
    return next((f"training.{name}" for name in names if name in message), "training")
