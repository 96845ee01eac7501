"""The planner: it turns a batch into its plan of filters, views, predictor tokens and positions."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from jepa_core.components import DistanceTraits, FilterTraits, ReversalTraits
from jepa_core.errors import ComponentError
from jepa_core.objective.arrangement import Arrange, Block, side_by_side
from jepa_core.objective.plan import (
    Plan,
    PlannedLabels,
    PlannedPair,
    PlannedTerm,
    PlannedView,
    append_predictors,
    only_predictors,
)
from jepa_core.objective.schedule import weight_at
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.samples.draws import Draws, sequence_ids, uniform
from jepa_core.samples.sample_set import KEYS, check_keys
from jepa_core.samples.samples import IGNORE, PRED, Samples
from jepa_core.views.pairs import Branch, NewBlock, Part, View, Views


class Planner:
    """Decides for a batch which samples pay the JEPA losses and which tokens go through the transformer.

    arrange: how blocks share transformer calls.
    """

    def __init__(self, spec: ObjectiveSpec, arrange: Arrange = side_by_side):
        self.spec = spec
        self.arrange = arrange

    @property
    def spec(self) -> ObjectiveSpec:
        return self._spec

    @spec.setter
    def spec(self, spec: ObjectiveSpec) -> None:
        """Looks up, once and not for every batch, the traits of filters, the groups that views leak on, whether these
        are drawn, and what distances need."""
        self._spec = spec
        self.pred_ids = torch.tensor(spec.pred_ids, dtype=torch.int64)
        self._filters = [[(keep, FilterTraits.of(keep)) for keep in term.filters] for term in spec.terms]
        self._leaks = [ReversalTraits.of(term.reversal).leaks_on for term in spec.terms]
        self._drawn = [takes_draws(term.reversal) for term in spec.terms]
        self.needs = [DistanceTraits.of(term.distance).needs for term in spec.terms]

    def __call__(self, batch: Mapping[str, Tensor], step: int, training: bool) -> Plan:
        """Plans `batch` (keys as in :data:`~jepa_core.samples.sample_set.Batch`).

        Raises ComponentError when a filter breaks its contract, or a pair would count that leaks a held-out answer.
        """
        check_keys(batch, KEYS if self.spec.terms else ("input_ids", "labels", "tags"))
        samples = Samples.of_batch(batch)
        paying = [
            self.eligible(batch, step, training, number).nonzero().flatten() for number in range(len(self.spec.terms))
        ]
        views = [
            self.views(number, samples[rows], batch["index"][rows], step) if len(rows) else Views(())
            for number, rows in enumerate(paying)
        ]
        layout = _Layout(self, samples, views)
        terms = tuple(
            PlannedTerm(layout.pairs(rows, each, needs), len(rows), weighed(each))
            for needs, rows, each in zip(self.needs, paying, views, strict=True)
        )
        blocks = tuple(layout.blocks)
        labels = (PlannedLabels.of(0, batch["labels"]), *layout.labels)
        return Plan(blocks, terms, labels, self.arrange(blocks), step)

    def alone(self, samples: Samples) -> Plan:
        """Plans these samples by themselves, without labels and pairs."""
        everyone = torch.arange(len(samples), device=samples.ids.device)
        blocks = (self.block(samples, everyone, torch.zeros_like(everyone)),)
        none = PlannedLabels(0, everyone[:0], everyone[:0], everyone[:0])
        return Plan(blocks, (), (none,), self.arrange(blocks))

    def eligible(self, batch: Mapping[str, Tensor], step: int, training: bool, number: int = 0) -> Tensor:
        """``b`` bool: the samples that pass all filters of a term."""
        term, group = self.spec.terms[number], batch["group"]
        eligible = torch.full_like(group, weight_at(term.weight, step) > 0, dtype=torch.bool)
        for stream, (keep, traits) in enumerate(self._filters[number]):
            if traits.training_only and not training:
                continue
            draws = uniform(self.spec.seed, step, batch["index"] * (traits.draws_per != "step"), stream + (number << 8))
            kept = keep(eligible, batch, draws)
            if kept.dtype != torch.bool or kept.shape != eligible.shape:
                raise ComponentError(
                    f"filter {type(keep).__name__}: must return bool of shape {tuple(eligible.shape)}, "
                    f"not {kept.dtype} of {tuple(kept.shape)}"
                )
            eligible = eligible & kept
        for name in self._leaks[number]:
            if name in self.spec.groups and (eligible & (group == self.spec.groups.index(name))).any():
                raise ComponentError(
                    f"the views of {type(term.reversal).__name__} give away the held-out answer of "
                    f"'{name}' samples, and the filters let them count: keep them out "
                    "with filters: [sample_type, …]"
                )
        return eligible

    def block(self, samples: Samples, sample: Tensor, start: Tensor, prefix: Tensor | None = None) -> Block:
        """Makes a block of the batch rows `sample`, ``m w``; position ids begin at `start`, a branch's at `prefix`."""
        columns = torch.arange(samples.ids.shape[1], device=sample.device).expand_as(samples.ids)
        if self.spec.positions == "none":
            columns = torch.zeros_like(columns)
        elif prefix is not None:
            columns = columns + prefix[:, None]
        elif self.spec.positions == "continue":
            columns = columns + start[:, None]
        return Block(samples.ids, samples.tags, columns, sample, prefix)

    def views(self, number: int, samples: Samples, index: Tensor, step: int) -> Views:
        """Makes the views of a term from samples ``n s``; index: ``n``, theirs in the dataset."""
        term = self.spec.terms[number]
        if not self._drawn[number]:
            return term.reversal(samples)
        draws = Draws(self.spec.seed, step, index, stream=(number << 8) + 255)
        return term.reversal(samples, draws)  # type: ignore[call-arg]


def weighed(views: Views) -> float | None:
    """The sum of the weights of all pairs; None where none has weights."""
    if views.weights is None:
        return None
    return sum(float(weight.sum()) for weight in views.weights if weight is not None)


def takes_draws(strategy: object) -> bool:
    """Tells whether a strategy asks for random numbers, by a parameter named ``draws``."""
    try:
        return callable(strategy) and "draws" in inspect.signature(strategy).parameters
    except (TypeError, ValueError):  # a callable without a signature
        return False


@dataclass
class _Layout:
    """Collects blocks: the samples first, then new ones of every term."""

    planner: Planner
    samples: Samples
    views: Sequence[Views]
    blocks: list[Block] = field(default_factory=list)
    labels: list[PlannedLabels] = field(default_factory=list)

    def __post_init__(self) -> None:
        sources = [source for views in self.views for source, _ in views.pairs]
        at_end = any(isinstance(source, Part) and not source.branch for source in sources)
        self.first = append_predictors(self.samples, self.planner.pred_ids) if at_end else self.samples
        everyone = torch.arange(len(self.samples))
        self.start = self.first.valid.sum(dim=1)
        self.blocks.append(self.planner.block(self.first, everyone, torch.zeros_like(everyone)))

    def pairs(self, rows: Tensor, views: Views, needs: Collection[str]) -> tuple[PlannedPair, ...]:
        """Adds the blocks of a term's views of the samples `rows`; returns its pairs. needs: the distance's."""
        found = []
        weights = views.weights or (None,) * len(views.pairs)
        for (source, target), weight in zip(views.pairs, weights, strict=True):
            planned = self._place(rows, source, True), self._place(rows, target, False)
            found.append(PlannedPair(*planned, **self._known(*planned, needs), weight=weight))
        return tuple(found)

    def _known(self, source: PlannedView, target: PlannedView, needs: Collection[str]) -> dict[str, Any]:
        """Looks up what the distance of a pair of views `needs` to know of its samples."""
        ids, spec = self.blocks[target.block].ids[target.rows], self.planner.spec
        found: dict[str, Any] = {}
        if "bank_index" in needs:
            found["candidate"] = self._candidate(ids, target.select)
        if {"entity_ids", "right_ids", "right_index"} & set(needs):
            own = sequence_ids(ids, target.select)
            found["same"] = own
        if spec.right is not None and {"right_ids", "right_index"} & set(needs):
            block = self.blocks[source.block]
            asked = source.select & (block.tags[source.rows] != PRED)
            found["right"] = spec.right.among(sequence_ids(block.ids[source.rows], asked), own)
        if "right" in found and spec.candidates is not None and "right_index" in needs:
            found["right_candidates"] = spec.candidates.nearest(found["right"])
        return found

    def _candidate(self, ids: Tensor, select: Tensor) -> Tensor:
        if self.planner.spec.candidates is None:
            raise ComponentError("the distance compares with all candidates, and the dataset lists none")
        return self.planner.spec.candidates.index(ids, select)

    def _place(self, rows: Tensor, view: View, is_source: bool) -> PlannedView:
        pred_ids = self.planner.pred_ids if is_source else self.planner.pred_ids[:0]
        if isinstance(view, Part) and (not view.branch or not len(pred_ids)):
            return PlannedView(0, rows, _with_predictors(view.select, self.first.tags[rows], is_source))
        new, select, prefix = _new_tokens(view, pred_ids, rows)
        self.blocks.append(self.planner.block(new, rows, self.start[rows], prefix))
        if isinstance(view, NewBlock) and view.labels is not None:
            shift = len(pred_ids) if view.predictors_first else 0
            self.labels.append(PlannedLabels.of(len(self.blocks) - 1, pad(view.labels, (shift, 0), value=IGNORE)))
        self.start = self.start.index_add(0, rows, new.valid.sum(dim=1))
        own = (
            select
            if isinstance(view, NewBlock) and view.predictors_first
            else _with_predictors(select, new.tags, is_source)
        )
        return PlannedView(len(self.blocks) - 1, torch.arange(len(rows)), own)


def _new_tokens(view: View, pred_ids: Tensor, rows: Tensor) -> tuple[Samples, Tensor, Tensor | None]:
    """Makes the tokens of a new block; returns them, the view among them, and the length of a branch's prefix."""
    if isinstance(view, Part):
        last = torch.arange(view.select.shape[1]).where(view.select, -1).amax(dim=1)
        new = only_predictors(len(rows), pred_ids)
        return new, new.valid, last + 1
    if view.predictors_first and len(pred_ids):
        first = only_predictors(len(rows), pred_ids)
        new = Samples(
            torch.cat([first.ids, view.samples.ids], dim=1), torch.cat([first.tags, view.samples.tags], dim=1)
        )
        return new, pad(view.selected, (len(pred_ids), 0)), view.after if isinstance(view, Branch) else None
    new = append_predictors(view.samples, pred_ids)
    return new, view.selected, view.after if isinstance(view, Branch) else None


def _with_predictors(select: Tensor, tags: Tensor, is_source: bool) -> Tensor:
    """Selects a view's tokens ``n s`` in its block ``n w``; those of a source include the predictor tokens there."""
    wide = pad(select, (0, tags.shape[1] - select.shape[1])) if tags.shape != select.shape else select
    return wide | (tags == PRED) if is_source else wide
