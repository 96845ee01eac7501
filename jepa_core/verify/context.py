"""The checks' subject: a built run and samples of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from jepa_core.assembly.build import Run
from jepa_core.components import MaskTraits
from jepa_core.model.evaluating import evaluating
from jepa_core.model.hooks import sweep
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.spec import LayoutName
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD
from jepa_core.tensors import wide

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Training samples looked through, and the most that go through the model together.
LOOKED_THROUGH, TOGETHER = 2048, 64


@dataclass(frozen=True)
class Plugins:
    """Plugins that the user named beside the installed ones: modules and files."""

    modules: Sequence[str] = ()
    files: Sequence[Path] = ()


@dataclass
class Context:
    """A built run, and samples of it that the checks share.

    registry: the one that the run was built from; processes: number in which denominators are checked too; plugins:
    loaded by these; quick: fewer samples and changes, for the start of a run; weights: folder of
    a finished run's, None for those that training begins with.
    """

    run: Run
    registry: Registry = field(default_factory=Registry.discover)
    processes: int = 1
    plugins: Plugins = Plugins()
    quick: bool = False
    weights: Path | None = None

    @property
    def which_weights(self) -> str:
        return f"Weights: trained, {self.weights}." if self.weights else "Weights: those that training begins with."

    @property
    def objective(self) -> JepaObjective:
        return self.run.objective

    @property
    def device(self) -> torch.device:
        return next(self.objective.parameters()).device

    @cached_property
    def training_rows(self) -> list[int]:
        """The first rows of each group of the training set, which is large."""
        train = self.run.train_dataset
        firsts = [train.first_rows(group, LOOKED_THROUGH // 2) for group in train.group_sizes]
        return torch.cat(firsts).sort().values.tolist()

    @cached_property
    def training(self) -> Batch:
        """The samples of `training_rows`."""
        return self.run.train_dataset.__getitems__(self.training_rows)

    @cached_property
    def batch(self) -> Batch:
        """The `training` samples thinned out evenly to the size of the recipe's batches, at most 64."""
        size = min(TOGETHER, self.run.recipe.training.per_device_train_batch_size, len(self.training_rows))
        return self.run.train_dataset.__getitems__(spread(self.training_rows, size))

    @cached_property
    def counted_rows(self) -> list[int]:
        """The `training_rows` whose pair counts when no filter drops at random."""
        counts = self.objective.planner.eligible(self.training, 0, training=False)
        return [row for row, count in zip(self.training_rows, counts.tolist(), strict=True) if count]

    @cached_property
    def other_rows(self) -> list[int]:
        """The `training_rows` without the counted ones."""
        counted = set(self.counted_rows)
        return [row for row in self.training_rows if row not in counted]

    @cached_property
    def few(self) -> Batch:
        """Some samples of every group, of different lengths; few enough to go one by one."""
        train = self.run.train_dataset
        if self.quick:
            rows = [*self._unlike(self.counted_rows, 1), *self._unlike(self.other_rows, 1)]
            return self.run.collate([train[row] for row in rows])
        samples = [train[row] for row in [*self._unlike(self.counted_rows, 3), *self._unlike(self.other_rows, 2)]]
        seen = set(train.group_sizes)
        for data_set in self.run.eval_datasets.values():
            if len(data_set) and not seen & set(data_set.group_sizes):
                samples.append(data_set[0])
        return self.run.collate(samples)

    @cached_property
    def packed(self) -> JepaObjective:
        """The objective in the packed layout, over a copy of the model where that is not its own.

        Raises ComponentError where the model can't take a mask of ours.
        """
        if self.objective.layout.name == "packed":
            return self.objective
        self.objective.transformer.refuse_masks(MaskTraits.of(self.objective.spec.mask).by_layer)
        return relaid(self.objective, "packed")

    @cached_property
    def nothing_counts(self) -> str:
        """The reason why no sample pays the JEPA loss; empty where one does."""
        if not any(term.enabled for term in self.objective.spec.terms):
            return "lambda_jepa is 0: no second view is made"
        return "" if self.counted_rows else f"of {len(self.training_rows)} training samples the filters leave none"

    def _unlike(self, rows: Sequence[int], count: int) -> list[int]:
        """Picks `count` rows of unlike lengths, from the shortest to the longest."""
        if not rows:
            return []
        tags = self.run.train_dataset.__getitems__(rows)["tags"]
        by_length = (tags != PAD).sum(dim=1).argsort(stable=True).tolist()
        return [rows[i] for i in spread(by_length, count)]


def spread(items: Sequence[int], count: int) -> list[int]:
    """Picks `count` of the items, or all if fewer, evenly spaced, with the first and the last among them."""
    count = min(count, len(items))
    step = (len(items) - 1) / max(count - 1, 1)
    return [items[round(i * step)] for i in range(count)]


@contextmanager
def mode(objective: JepaObjective, *, filters: bool, dropout: bool = False) -> Iterator[None]:
    """A context in which filters for training only apply or not, and the model drops out or not."""
    with evaluating(objective):
        objective.train(filters)
        objective.model.train(dropout)
        yield


def relaid(objective: JepaObjective, layout: str, model: PreTrainedModel | None = None) -> JepaObjective:
    """Makes the same objective in another layout, over a copy of the model (or over `model`).

    Raises ComponentError where the layout can't run this mask.
    """
    chosen = copied(objective) if model is None else model
    return type(objective)(chosen, replace(objective.spec, layout=cast(LayoutName, layout)))


def copied(objective: JepaObjective) -> PreTrainedModel:
    """A copy of the model without the hooks that the objective has on it."""
    model = copy.deepcopy(objective.model)
    sweep(model)
    return model


def bank_of(objective: JepaObjective) -> Tensor | None:
    """The current states of all candidates, where the objective uses them; made beforehand, so that their passes are
    not counted in the step."""
    if not objective.needs_candidates:
        return None
    with torch.no_grad():
        return objective.candidate_states()


def gradients(objective: JepaObjective, loss: Tensor) -> dict[str, Tensor]:
    """The gradient of every trainable parameter by name; zeros where none arrives."""
    named = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))


def gradient_difference(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> tuple[float, str]:
    """The norm of the difference over the norm of `theirs`, over all parameters; and the parameter with the largest
    part of it."""
    apart = {name: float(wide(ours[name] - g).square().sum()) for name, g in theirs.items()}
    whole = sum(float(wide(g).square().sum()) for g in theirs.values())
    total = sum(apart.values())
    if not whole:
        return total**0.5, "none arrives"
    return (total / whole) ** 0.5, max(apart, key=lambda name: apart[name])
