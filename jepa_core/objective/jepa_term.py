"""A JEPA term at work: from hidden states to distances.

Axes: ``b t d`` states of a block, ``n`` counted pairs, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from jepa_core.components import DistanceTraits, EmbeddingExtractor, EmbeddingTraits, PredictorTraits, RegularizerTraits
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.hidden import HiddenStates
from jepa_core.objective.needs import check_needs, supply
from jepa_core.objective.plan import Plan, PlannedPair, PlannedTerm, PlannedView
from jepa_core.objective.spec import JepaTerm, Target
from jepa_core.objective.target import stopped
from jepa_core.samples.draws import Draws


@dataclass(frozen=True)
class Side:
    """One side of a JEPA loss: an extractor, and the layer whose states it is given, counted from the front."""

    extract: EmbeddingExtractor
    layer: int

    @classmethod
    def of(cls, extract: EmbeddingExtractor, transformer: Transformer) -> Side:
        """Makes a side. Raises ComponentError when the model has no layer of the number that the extractor declares."""
        try:
            return cls(extract, transformer.layer(EmbeddingTraits.of(extract).layer))
        except ComponentError as error:
            raise ComponentError(f"{type(extract).__name__}: {error}") from error

    def embed(self, view: PlannedView, plan: Plan, hidden: HiddenStates) -> Tensor:
        """``n d``: the embedding of a view."""
        tags = plan.blocks[view.block].tags[view.rows]
        return self.extract(hidden[self.layer].view(view), view.select, tags)

    def reads(self, view: PlannedView, plan: Plan) -> Tensor:
        """Places of the tokens of a view whose states matter, in the arrangement's flat order."""
        reads = EmbeddingTraits.of(self.extract).reads
        select = view.select if reads is None else reads(view.select, plan.blocks[view.block].tags[view.rows])
        return plan.arrangement.places[view.block][view.rows][select]


@dataclass(frozen=True)
class RunningTerm:
    """A term with what it takes to run it.

    spec: its components; source, target, condition: with the layers that they are read at; needs: the distance's,
    looked up here, since torch.compile can't look up a component's traits; compares: whether the loss depends on all
    pairs of a step together."""

    spec: JepaTerm
    source: Side
    target: Side
    condition: Side | None
    needs: tuple[str, ...] = ()
    compares: bool = False

    @classmethod
    def of(cls, spec: JepaTerm, transformer: Transformer) -> RunningTerm:
        """Makes it from a spec. Raises ComponentError where the components of a term do not go together."""
        needs = tuple(DistanceTraits.of(spec.distance).needs)
        check_needs(needs, spec.distance)
        if spec.predictor is not None and PredictorTraits.of(spec.predictor).needs_condition and spec.condition is None:
            raise ComponentError(
                f"predictor {type(spec.predictor).__name__} needs a condition: name an extractor for it under "
                "embedding: {source: …, target: …, condition: …}"
            )
        condition = None if spec.condition is None else Side.of(spec.condition, transformer)
        sides = Side.of(spec.source, transformer), Side.of(spec.target, transformer)
        compares = not DistanceTraits.of(spec.distance).decomposable or bool(spec.regularizers)
        return cls(spec, *sides, condition, needs, compares)

    @property
    def source_sides(self) -> tuple[Side, ...]:
        return (self.source,) if self.condition is None else (self.source, self.condition)

    @property
    def sides(self) -> tuple[Side, ...]:
        return (*self.source_sides, self.target)

    def predict(self, state: Tensor, condition: Tensor | None) -> Tensor:
        """``n d``: the predictor's result for the source's embeddings ``n d``."""
        return state if self.spec.predictor is None else self.spec.predictor(state, condition)

    def predicted(self, pair: PlannedPair, plan: Plan, hidden: HiddenStates) -> Tensor:
        """``n d``: the predicted embeddings of a pair of views."""
        condition = None if self.condition is None else self.condition.embed(pair.source, plan, hidden)
        return self.predict(self.source.embed(pair.source, plan, hidden), condition)

    def predicted_from(self, states: dict[int, Tensor], question: Tensor, tags: Tensor) -> Tensor:
        """``n d``: predicted embeddings, from states ``n w d`` by layer; question: ``n w`` bool; tags: ``n w``."""
        source, *condition = (side.extract(states[side.layer], question, tags) for side in self.source_sides)
        return self.predict(source, condition[0] if condition else None)

    def reads(self, planned: PlannedTerm, plan: Plan, layer: int) -> list[Tensor]:
        """Places of the tokens whose states at this layer matter, for each view and side."""
        views = [(pair.source, self.source_sides) for pair in planned.pairs]
        views += [(pair.target, (self.target,)) for pair in planned.pairs]
        return [side.reads(view, plan) for view, sides in views for side in sides if side.layer == layer]

    def embeddings(
        self, planned: PlannedTerm, plan: Plan, hidden: HiddenStates, target_hidden: HiddenStates
    ) -> list[tuple[Tensor, Tensor]]:
        """(predicted, target), each ``n d``, for each pair of views that a sample has."""
        return [
            (self.predicted(pair, plan, hidden), self.target.embed(pair.target, plan, target_hidden))
            for pair in planned.pairs
        ]

    def distances(
        self,
        planned: PlannedTerm,
        embeddings: list[tuple[Tensor, Tensor]],
        kind: Target,
        bank: Callable[[], Tensor],
        own: slice | None = None,
    ) -> Tensor:
        """The sum of the distances of all counted pairs, or of the samples `own` among them; a scalar in fp32."""
        distance: Any = self.spec.distance
        total = torch.zeros((), device=embeddings[0][0].device)
        for pair, (predicted, target) in zip(planned.pairs, embeddings, strict=True):
            needs = supply(self.needs, pair, bank)
            distances = distance(predicted, stopped(target, kind), **needs)
            if distances.shape != predicted.shape[:1]:
                raise ComponentError(
                    f"distance {type(distance).__name__}: must return one number a pair, shape "
                    f"{tuple(predicted.shape[:1])}, not {tuple(distances.shape)}"
                )
            weighed = distances.float() if pair.weight is None else distances.float() * pair.weight.to(distances.device)
            total = total + (weighed if own is None else weighed[own]).sum()
        return total

    def regularizers(
        self, embeddings: list[tuple[Tensor, Tensor]], kind: Target, draws: Draws
    ) -> Iterator[tuple[str, float, Tensor]]:
        """Yields name in the log, weight and scalar of each regularizer."""
        if not self.spec.regularizers:
            return
        sides = {
            "predicted": torch.cat([predicted for predicted, _ in embeddings]),
            "target": stopped(torch.cat([target for _, target in embeddings]), kind),
        }
        for name, regularizer in self.spec.regularizers:
            traits = RegularizerTraits.of(regularizer)
            chosen = [sides[side] for side in sides if traits.of_side in (side, "both")]
            found = torch.stack([regularizer(each, draws).float() for each in chosen])
            yield name, traits.weight, found.sum()


def checked_detach(layer: int, terms: Sequence[RunningTerm], num_layers: int) -> int:
    """Returns `layer`, below which the next-token loss trains nothing. Raises ComponentError if a term reads above."""
    found = [(max(side.layer for side in term.source_sides), term.target.layer) for term in terms]
    highest = max(max(pair) for pair in found)
    if not highest <= layer < num_layers:
        raise ComponentError(
            f"ntp_detach: {layer}: the embeddings are read at layers {found[0][0]} and "
            f"{found[0][1]}, and the model has {num_layers}: name a layer from "
            f"{highest} to {num_layers - 1}"
        )
    return layer
