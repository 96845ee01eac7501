"""What the checks look at: a built run and samples of it."""

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
from jepa_core.model.hooks import sweep
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.spec import LayoutName
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD
from jepa_core.tensors import wide

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Training samples that are looked through; at most so many go through the model together.
LOOKED_THROUGH, TOGETHER = 2048, 64


@dataclass(frozen=True)
class Plugins:
    """Plugins that the user named beside the installed ones: modules and files."""

    modules: Sequence[str] = ()
    files: Sequence[Path] = ()


@dataclass
class Context:
    """A built run, and samples of it that the checks share.

    registry: what the run was built from; processes: check the denominators in so many processes too; plugins:
    what these have to load; quick: fewer samples and changes, for the start of a run.
    """

    run: Run
    registry: Registry = field(default_factory=Registry.discover)
    processes: int = 1
    plugins: Plugins = Plugins()
    quick: bool = False

    @property
    def objective(self) -> JepaObjective:
        return self.run.objective

    @property
    def device(self) -> torch.device:
        return next(self.objective.parameters()).device

    @cached_property
    def training_rows(self) -> list[int]:
        """Of each group of the training set the first ones, as the set is large."""
        train = self.run.train_dataset
        firsts = [train.first_rows(group, LOOKED_THROUGH // 2) for group in train.group_sizes]
        return torch.cat(firsts).sort().values.tolist()

    @cached_property
    def training(self) -> Batch:
        """The samples of `training_rows`."""
        return self.run.train_dataset.__getitems__(self.training_rows)

    @cached_property
    def batch(self) -> Batch:
        """As many of them as the recipe's batches have, spread evenly, up to 64."""
        size = min(TOGETHER, self.run.recipe.training.per_device_train_batch_size, len(self.training_rows))
        return self.run.train_dataset.__getitems__(spread(self.training_rows, size))

    @cached_property
    def counted_rows(self) -> list[int]:
        """Those of `training_rows` whose pair counts when no filter drops at random."""
        counts = self.objective.planner.eligible(self.training, 0, training=False)
        return [row for row, count in zip(self.training_rows, counts.tolist(), strict=True) if count]

    @cached_property
    def other_rows(self) -> list[int]:
        """The others of `training_rows`."""
        counted = set(self.counted_rows)
        return [row for row in self.training_rows if row not in counted]

    @cached_property
    def few(self) -> Batch:
        """Some samples of every group that there is, of different lengths: small enough to go one by one."""
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
        """Why no sample pays the JEPA loss; empty where one does."""
        if not any(term.enabled for term in self.objective.spec.terms):
            return "lambda_jepa is 0: no second view is made"
        return "" if self.counted_rows else f"of {len(self.training_rows)} training samples the filters leave none"

    def _unlike(self, rows: Sequence[int], count: int) -> list[int]:
        """Some of `rows`: the shortest, the longest, and from the middle."""
        if not rows:
            return []
        tags = self.run.train_dataset.__getitems__(rows)["tags"]
        by_length = (tags != PAD).sum(dim=1).argsort(stable=True).tolist()
        return [rows[i] for i in spread(by_length, count)]


def spread(items: Sequence[int], count: int) -> list[int]:
    """`count` of the items (all where they are fewer), evenly spaced, the first and the last among them."""
    count = min(count, len(items))
    step = (len(items) - 1) / max(count - 1, 1)
    return [items[round(i * step)] for i in range(count)]


@contextmanager
def mode(objective: JepaObjective, *, filters: bool, dropout: bool = False) -> Iterator[None]:
    """For a while: do filters that are for training only apply, and does the model drop out."""
    before = {module: module.training for module in objective.modules()}
    objective.train(filters)
    objective.model.train(dropout)
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


def relaid(objective: JepaObjective, layout: str, model: PreTrainedModel | None = None) -> JepaObjective:
    """The same objective in another layout, over a copy of the model (or over `model`).

    Raises ComponentError where the layout does not do for this mask.
    """
    chosen = copied(objective) if model is None else model
    return type(objective)(chosen, replace(objective.spec, layout=cast(LayoutName, layout)))


def copied(objective: JepaObjective) -> PreTrainedModel:
    """A copy of the model without the hooks that the objective has on it."""
    model = copy.deepcopy(objective.model)
    sweep(model)
    return model


def bank_of(objective: JepaObjective) -> Tensor | None:
    """The states of all candidates as they are now, where the objective uses them: the passes that make them are not
    of the step that is looked at."""
    if not objective.needs_candidates:
        return None
    with torch.no_grad():
        return objective.candidate_states()


def gradients(objective: JepaObjective, loss: Tensor) -> dict[str, Tensor]:
    """Of every trainable parameter by name; zeros where none arrives."""
    named = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))


def gradient_difference(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> tuple[float, str]:
    """The norm of the difference over the norm of `theirs`, over all parameters; and the parameter that has
    most of it."""
    apart = {name: float(wide(ours[name] - g).square().sum()) for name, g in theirs.items()}
    whole = sum(float(wide(g).square().sum()) for g in theirs.values())
    total = sum(apart.values())
    if not whole:
        return total**0.5, "none arrives"
    return (total / whole) ** 0.5, max(apart, key=lambda name: apart[name])
