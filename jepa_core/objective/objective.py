"""The objective: next-token prediction and the JEPA loss from one pass of the transformer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from jepa_core.components import (
    DistanceFunction,
    EmbeddingExtractor,
    LossFilter,
    MaskBuilder,
    ReversalStrategy,
    declared,
)
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.cross_entropy import cross_entropy_sum
from jepa_core.objective.hidden import HiddenStates
from jepa_core.objective.layouts import choose
from jepa_core.objective.needs import SUPPLIERS, check_needs, entity_states
from jepa_core.objective.plan import Plan, PlannedView
from jepa_core.objective.planner import Planner, Positions
from jepa_core.objective.recall import Recall
from jepa_core.objective.room import refuse_overflow
from jepa_core.objective.side import Side
from jepa_core.samples.samples import Facts, Role
from jepa_plugins.facts.entities import Entities


@dataclass(frozen=True)
class ObjectiveOutput:
    """loss, ntp_loss: scalars; jepa_loss: scalar, or None where no pair counts; jepa_pairs: how many do."""

    loss: Tensor
    ntp_loss: Tensor
    jepa_loss: Tensor | None
    jepa_pairs: int


class JepaObjective(nn.Module):
    """``gamma_ntp * ntp + lambda_jepa * jepa`` over a Hugging Face causal language model.

    NTP is the mean cross-entropy of labelled tokens, JEPA the mean distance over counted pairs; both come
    from one forward pass over facts and second views (LLM-JEPA, arXiv 2509.14252, with that pass shared).
    embedding: one extractor for both sides, or (source, target). stop_gradient: the side whose embedding is
    detached. pred_ids: ids of the k predictor tokens, in order. ntp_detach: a layer number; the NTP loss trains
    what comes after this layer alone. recall_temperature: what comes after it sees, in place of the mask token's
    state, what :mod:`~jepa_core.objective.recall` makes of it.

    Raises ComponentError where components, layout and model do not go together.
    """

    def __init__(
        self,
        model: Any,
        *,
        reversal: ReversalStrategy,
        mask: MaskBuilder,
        embedding: EmbeddingExtractor | tuple[EmbeddingExtractor, EmbeddingExtractor],
        distance: DistanceFunction,
        filters: Sequence[LossFilter] = (),
        pred_ids: Sequence[int] = (),
        lambda_jepa: float = 1.0,
        gamma_ntp: float = 1.0,
        positions: Positions = "continue",
        stop_gradient: Literal["none", "target", "source"] = "none",
        ntp_detach: int | None = None,
        recall_temperature: float | None = None,
        layout: Literal["auto", "packed", "rows"] = "auto",
        seed: int = 0,
    ):
        super().__init__()
        self.model = model
        self.transformer = Transformer(model)
        self.source_embedding, self.target_embedding = (
            embedding if isinstance(embedding, tuple) else (embedding, embedding)
        )
        self.mask = mask
        self.distance = distance
        self.lambda_jepa, self.gamma_ntp = lambda_jepa, gamma_ntp
        self.stop_gradient = stop_gradient
        if positions == "none":
            self.transformer.forget_positions()
        self.layout = choose(layout, mask, positions, self.transformer)
        self.planner = Planner(
            reversal, filters, pred_ids, positions, seed, enabled=lambda_jepa > 0, arrange=self.layout.arrange
        )
        parts = {"reversal": reversal, **{f"filter_{i}": f for i, f in enumerate(filters)}}
        self.parts = nn.ModuleDict({n: p for n, p in parts.items() if isinstance(p, nn.Module)})
        check_needs(declared("distance", distance, "needs"), distance)
        #: Every entity of the task; whoever knows the data sets it, for distances that need a ``bank``.
        self.entities: Entities | None = None
        self.ntp_detach = ntp_detach
        if ntp_detach is not None:
            self._detach_ntp(ntp_detach)
        self.recall: Recall | None = None
        if recall_temperature is not None:
            if ntp_detach is None:
                raise ComponentError("recall_temperature: needs ntp_detach, the layer after which to recall")
            self.recall = Recall(self.transformer.blocks, ntp_detach, self.sides[0], recall_temperature)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Source and target, with the extractors as they are now."""
        return Side.of(self.source_embedding, self.transformer), Side.of(self.target_embedding, self.transformer)

    def plan(self, batch: dict[str, Tensor], step: int = 0) -> Plan:
        """What this batch will run, at this optimizer step; costs no model time."""
        plan = self.planner(batch, step, self.training)
        refuse_overflow(plan, self.transformer.max_positions)
        return replace(plan, reads=plan.arrangement.by_call(self._read_places(plan)))

    def forward(
        self,
        *,
        step: int = 0,
        ntp_count: float | Tensor | None = None,
        jepa_count: float | Tensor | None = None,
        plan: Plan | None = None,
        **batch: Tensor,
    ) -> ObjectiveOutput:
        """The losses of a batch (keys as in :class:`~jepa_plugins.facts.fact_set.FactSet`) or of its `plan`.

        ntp_count, jepa_count: the denominators, where this batch is only a part of an optimizer step: labelled
        tokens and counted pairs of the whole step. Then the parts' losses add up to the step's.
        """
        plan = self.plan(batch, step) if plan is None else plan
        if not len(plan.blocks[0].sample):  # a process whose share of the step is empty takes part all the same
            loss = self._keep_alive(everything=True)
            return ObjectiveOutput(loss, loss.detach(), None, 0)
        hidden = self.hidden_states(plan, only_reads=True)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.gamma_ntp > 0):
            ntp = self._ntp_sum(plan, hidden) / _denominator(ntp_count, plan.labels)
        loss = self.gamma_ntp * ntp + self._keep_alive(everything=self.gamma_ntp == 0 or self.ntp_detach is not None)
        jepa = None
        if plan.jepa_pairs:
            jepa = self.jepa_sum(plan, hidden) / _denominator(jepa_count, plan.jepa_pairs)
            loss = loss + self.lambda_jepa * jepa
        return ObjectiveOutput(loss, ntp.detach(), None if jepa is None else jepa.detach(), plan.jepa_pairs)

    def hidden_states(self, plan: Plan, also: Iterable[int] = (), only_reads: bool = False) -> HiddenStates:
        """Hidden states, ``hidden[layer][block]`` is ``m w d``, at the layers that the losses read, and `also` at
        others. only_reads: in the last layer only those that the losses read are right."""
        layers = {self.transformer.num_layers, *also}
        if plan.pairs:
            layers.update(*(side.layers for side in self.sides))
        run = partial(self.layout.run, plan, self.transformer, sorted(layers), only_reads)
        if self.recall is None:
            return run()
        with torch.no_grad():
            memory = self.entity_states()
        return run(partial(self.recall.at, memory=memory))

    def embeddings(self, plan: Plan, hidden: HiddenStates) -> list[tuple[Tensor, Tensor]]:
        """(predicted, target), each ``n d``, for each pair of views that a sample has."""
        source_side, target_side = self.sides
        return [
            (source_side.embed(source, plan, hidden), target_side.embed(target, plan, hidden))
            for source, target in plan.pairs
        ]

    def embed(self, facts: Facts, side: Literal["source", "target"]) -> Tensor:
        """``n d``: the embedding of facts, or of parts of facts, that stand alone, as that side's extractor makes
        it of all their tokens."""
        plan = self.planner.alone(facts).to(self.model.device)
        chosen = self.sides[0 if side == "source" else 1]
        view = PlannedView(0, torch.arange(len(facts), device=self.model.device), plan.blocks[0].roles != Role.PAD)
        return chosen.embed(view, plan, self.layout.run(plan, self.transformer, sorted(set(chosen.layers)), False))

    def entity_states(self) -> Tensor:
        """``m d``: the target embedding of every entity of the task, each alone."""
        return entity_states(self)

    def jepa_sum(self, plan: Plan, hidden: HiddenStates) -> Tensor:
        """The distances of all counted pairs, summed; a scalar in fp32."""
        total = torch.zeros((), device=plan.label_ids.device)
        for (_, view), (predicted, target) in zip(plan.pairs, self.embeddings(plan, hidden), strict=True):
            if self.stop_gradient == "target":
                target = target.detach()
            elif self.stop_gradient == "source":
                predicted = predicted.detach()
            needs: Any = {n: SUPPLIERS[n](self, plan, view) for n in declared("distance", self.distance, "needs")}
            distances = self.distance(predicted, target, **needs)
            if distances.shape != predicted.shape[:1]:
                raise ComponentError(
                    f"distance {type(self.distance).__name__}: must return one number a pair, shape "
                    f"{tuple(predicted.shape[:1])}, not {tuple(distances.shape)}"
                )
            total = total + distances.float().sum()
        return total

    def _read_places(self, plan: Plan) -> Tensor:
        """Where the final states stand that the losses read, in the arrangement's flat order."""
        sides = self.sides
        read = [
            side.reads(view, plan)
            for pair in plan.pairs
            for view, side in zip(pair, sides, strict=True)
            if self.transformer.num_layers in side.layers
        ]
        return torch.cat([plan.labelled[0], *read])

    def _detach_ntp(self, layer: int) -> None:
        """Raises ComponentError where the JEPA loss would be cut off too."""
        source, target = (max(side.layers) for side in self.sides)
        highest = max(source, target)
        if not highest <= layer < self.transformer.num_layers:
            raise ComponentError(
                f"ntp_detach: {layer}: the embeddings are read at layers {source} and "
                f"{target}, and the model has {self.transformer.num_layers}: name a layer from "
                f"{highest} to {self.transformer.num_layers - 1}"
            )
        self.transformer.detach_after(layer)

    def _ntp_sum(self, plan: Plan, hidden: HiddenStates) -> Tensor:
        places, ids = plan.labelled
        states = hidden[self.transformer.num_layers].flat.index_select(0, places)
        return cross_entropy_sum(self.transformer.logits, states, ids, self.transformer.vocab)

    def _keep_alive(self, everything: bool) -> Tensor:
        """Zero, with a gradient path to every parameter of a component, or of the model too.

        A rank or micro-batch without a counted pair would otherwise leave them without a gradient, and
        ranks would wait for each other.
        """
        kept = (
            self.parameters() if everything else (p for n, p in self.named_parameters() if not n.startswith("model."))
        )
        return sum((p.sum() * 0 for p in kept), start=torch.zeros((), device=self.model.device))


def _denominator(count: float | Tensor | None, own: int) -> float | Tensor:
    return max(own, 1) if count is None else count
