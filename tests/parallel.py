"""Training in several processes, and what is compared of it with training in one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, TrainingArguments

from jepa_core.objective.objective import JepaObjective
from jepa_core.tensors import put_together
from jepa_core.training.sampler import EpochSampler
from jepa_core.training.trainer import JepaTrainer
from tests.support import FIRST_RELATION, MASK_ID, Sample, small_set


class Projected(nn.Module):
    """A distance with parameters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.head = nn.Linear(32, 32)

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        return (self.head(predicted) - target).square().mean(dim=-1)


def facts(count: int, train: set[int] | None = None) -> list[Sample]:
    """Makes so many different facts, of entities of one or two tokens; `train`: which are no atomic ones."""
    entities = [[i] if i % 3 else [i, (i + 1) % 16] for i in range(16)]
    pairs = itertools.product(range(16), range(6))
    chosen = [next(pairs) for _ in range(count)]
    return [
        (
            entities[e],
            FIRST_RELATION + r,
            MASK_ID,
            entities[(3 * e + r + 1) % 16],
            "train" if train is None or i in train else "atomic",
        )
        for i, (e, r) in enumerate(chosen)
    ]


def eligible(pattern: tuple[int, int]) -> list[Sample]:
    """Sixteen facts of which the first step gives so many eligible ones to each of two processes."""
    order = list(EpochSampler(16, seed=42))
    return facts(16, {i for rank, count in enumerate(pattern) for i in order[8 * rank :][:count]})


def trainer_of(
    folder: Path, samples: list[Sample], batch: int, objective: JepaObjective, sharding: Any = None, **options: Any
) -> JepaTrainer:
    """A trainer of plain SGD with learning rate 1 for a step, unless options (of TrainingArguments) say otherwise: so that the
    weights change by the gradient."""
    plain: dict[str, Any] = {"optim": "sgd", "learning_rate": 1.0, "max_steps": 1, "max_grad_norm": 0.0}
    args = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        lr_scheduler_type="constant",
        per_device_train_batch_size=batch,
        logging_steps=1,
        save_strategy="no",
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        report_to="none",
        **{**plain, **options},
    )
    trainer = JepaTrainer(objective, args, small_set(samples), dict, [], sharding)
    trainer.remove_callback(PrinterCallback)
    return trainer


def trained(folder: Path, samples: list[Sample], batch: int, objective: JepaObjective, **options: Any) -> JepaTrainer:
    trainer = trainer_of(folder, samples, batch, objective, **options)
    trainer.train()
    return trainer


def state(objective: Any) -> dict[str, Tensor]:
    """All parameters; where processes share them out, each has to ask."""
    return {name: put_together(p.detach()).clone().contiguous() for name, p in objective.named_parameters()}


def difference(one: dict[str, Tensor], other: dict[str, Tensor], before: dict[str, Tensor]) -> float:
    """The difference of the change, over the change."""

    def norm(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
        return sum(float((a[n] - b[n]).double().square().sum()) for n in a) ** 0.5

    return norm(one, other) / norm(other, before)
