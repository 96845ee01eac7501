"""From a batch to its plan: filters, views, predictor tokens, positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from jepa_core.components import LossFilter, ReversalStrategy, declared
from jepa_core.errors import ComponentError
from jepa_core.objective.arrangement import Arrangement, Block, side_by_side
from jepa_core.objective.plan import Plan, PlannedLabels, PlannedView, append_predictors
from jepa_core.samples.draws import uniform
from jepa_core.samples.samples import Facts, Role, SampleType
from jepa_core.views.pairs import Part, View, Views

Positions = Literal["continue", "restart", "none"]


class Planner:
    """Decides for a batch which samples pay the JEPA loss and which tokens go through the transformer.

    pred_ids: the ids of the k predictor tokens that follow each source; positions: where position ids start
    in a second view; enabled: False plans no pair at all (the recipe gives the JEPA loss no weight); arrange:
    how blocks share transformer calls.
    """

    def __init__(
        self,
        reversal: ReversalStrategy,
        filters: Sequence[LossFilter] = (),
        pred_ids: Sequence[int] = (),
        positions: Positions = "continue",
        seed: int = 0,
        enabled: bool = True,
        arrange: Callable[[Sequence[Block]], Arrangement] = side_by_side,
    ):
        self.reversal = reversal
        self.filters = tuple(filters)
        self.pred_ids = torch.tensor(pred_ids, dtype=torch.int64)
        self.positions = positions
        self.seed = seed
        self.enabled = enabled
        self.arrange = arrange
        self.leaks_on = tuple(SampleType[t.upper()] for t in declared("reversal", reversal, "leaks_on"))

    def __call__(self, batch: Mapping[str, Tensor], step: int, training: bool) -> Plan:
        """The plan of `batch` (keys as in :class:`~jepa_plugins.facts.fact_set.FactSet`).

        Raises ComponentError when a filter breaks its contract, or a pair that leaks a held-out answer would
        count.
        """
        facts = Facts(batch["input_ids"], batch["roles"])
        rows = self.eligible(batch, step, training).nonzero().flatten()
        views = self.reversal(facts[rows]) if len(rows) else Views(())
        blocks, pairs, view_labels = self._lay_out(facts, rows, views)
        labels = PlannedLabels.of(0, batch["labels"])
        return Plan(
            blocks=blocks,
            pairs=pairs,
            label_rows=labels.rows,
            label_columns=labels.columns,
            label_ids=labels.ids,
            jepa_pairs=len(rows) * len(pairs),
            arrangement=self.arrange(blocks),
            view_labels=view_labels,
        )

    def alone(self, facts: Facts) -> Plan:
        """The plan of these facts by themselves, without labels and pairs."""
        everyone = torch.arange(len(facts), device=facts.ids.device)
        blocks = (self._block(facts, everyone, torch.zeros_like(everyone)),)
        return Plan(blocks, (), everyone[:0], everyone[:0], everyone[:0], 0, self.arrange(blocks))

    def eligible(self, batch: Mapping[str, Tensor], step: int, training: bool) -> Tensor:
        """``b`` bool: the samples that all filters leave."""
        sample_type = batch["sample_type"]
        eligible = torch.full_like(sample_type, self.enabled, dtype=torch.bool)
        for stream, keep in enumerate(self.filters):
            if declared("filter", keep, "training_only") and not training:
                continue
            by_step = declared("filter", keep, "draws_per") == "step"
            draws = uniform(self.seed, step, batch["index"] * (not by_step), stream)
            kept = keep(eligible, batch, draws)
            if kept.dtype != torch.bool or kept.shape != eligible.shape:
                raise ComponentError(
                    f"filter {type(keep).__name__}: must return bool of shape {tuple(eligible.shape)}, "
                    f"not {kept.dtype} of {tuple(kept.shape)}"
                )
            eligible = eligible & kept
        for leaking in self.leaks_on:
            if (eligible & (sample_type == leaking)).any():
                raise ComponentError(
                    f"the views of {type(self.reversal).__name__} give away the held-out answer of "
                    f"'{leaking.name.lower()}' samples, and the filters let them count: keep them out "
                    "with filters: [sample_type, …]"
                )
        return eligible

    def _lay_out(
        self, facts: Facts, rows: Tensor, views: Views
    ) -> tuple[tuple[Block, ...], tuple[tuple[PlannedView, PlannedView], ...], tuple[PlannedLabels, ...]]:
        """The blocks, where in them each view is, and the labels of new ones."""
        pred_ids = self.pred_ids.to(rows.device)
        in_place = any(isinstance(source, Part) for source, _ in views.pairs)
        first = append_predictors(facts, pred_ids) if in_place else facts
        everyone = torch.arange(len(facts), device=rows.device)
        blocks = [self._block(first, everyone, torch.zeros_like(everyone))]
        labels = []
        start = first.valid.sum(dim=1)[rows]

        def place(view: View, is_source: bool) -> PlannedView:
            nonlocal start
            if isinstance(view, Part):
                return PlannedView(0, rows, _with_predictors(view.select, first.roles[rows], is_source))
            new = append_predictors(view.facts, pred_ids) if is_source else view.facts
            blocks.append(self._block(new, rows, start))
            if view.labels is not None:
                labels.append(PlannedLabels.of(len(blocks) - 1, view.labels))
            start = start + new.valid.sum(dim=1)
            select = _with_predictors(view.selected, new.roles, is_source)
            return PlannedView(len(blocks) - 1, torch.arange(len(rows), device=rows.device), select)

        pairs = tuple((place(source, True), place(target, False)) for source, target in views.pairs)
        return tuple(blocks), pairs, tuple(labels)

    def _block(self, facts: Facts, sample: Tensor, start: Tensor) -> Block:
        columns = torch.arange(facts.ids.shape[1], device=sample.device).expand_as(facts.ids)
        if self.positions == "none":
            columns = torch.zeros_like(columns)
        elif self.positions == "continue":
            columns = columns + start[:, None]
        return Block(facts.ids, facts.roles, columns, sample)


def _with_predictors(select: Tensor, roles: Tensor, is_source: bool) -> Tensor:
    """A view's tokens ``n s`` among those of its block ``n w``; the predictor tokens there belong to sources."""
    found = (roles == Role.PRED) & is_source
    found[:, : select.shape[1]] |= select
    return found
