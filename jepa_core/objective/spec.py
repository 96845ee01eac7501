"""The parts of an objective, as one frozen value: nothing is poked in afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from jepa_core.components import (
    DistanceFunction,
    EmbeddingExtractor,
    LossFilter,
    MaskBuilder,
    Predictor,
    Regularizer,
    ReversalStrategy,
)
from jepa_core.objective.schedule import Schedule, ever_counts
from jepa_core.samples.candidates import Asked, Candidates
from jepa_core.samples.right_answers import RightAnswers
from jepa_core.samples.samples import Samples

Positions = Literal["continue", "restart", "none"]
LayoutName = Literal["auto", "packed", "rows", "flat"]
#: Parts that in the first term have the names from when there was one term only.
FIRST = ("source_embedding", "target_embedding", "predictor", "distance")


@dataclass(frozen=True)
class Ema:
    """Makes the target encoder an exponential moving average of the model, ``decay`` of it kept at each step."""

    decay: float


Target = Literal["same", "stopped", "frozen"] | Ema


@dataclass(frozen=True)
class JepaTerm:
    """One JEPA loss. name: in logs and metrics; source, target, condition: extractors; predictor: None leaves the
    source's embedding as it is; filters: choose the samples that pay it; weight: of its mean over counted pairs."""

    reversal: ReversalStrategy
    source: EmbeddingExtractor
    target: EmbeddingExtractor
    distance: DistanceFunction
    predictor: Predictor | None = None
    condition: EmbeddingExtractor | None = None
    filters: tuple[LossFilter, ...] = ()
    regularizers: tuple[tuple[str, Regularizer], ...] = ()
    weight: float | Schedule = 1.0
    name: str = "jepa"

    @property
    def enabled(self) -> bool:
        """Tells whether it has a weight at any step; without one no second view is made."""
        return ever_counts(self.weight)

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Every component by a name that is its own within the term."""
        yield "reversal", self.reversal
        yield "source_embedding", self.source
        yield "target_embedding", self.target
        yield "condition_embedding", self.condition
        yield "predictor", self.predictor
        yield "distance", self.distance
        yield from ((f"filter_{i}", each) for i, each in enumerate(self.filters))
        yield from ((f"regularizer_{name}", each) for name, each in self.regularizers)


@dataclass(frozen=True)
class ObjectiveSpec:
    """``gamma_ntp * ntp`` plus the JEPA terms, over one model.

    pred_ids: ids of the k predictor tokens, in order; target: the encoder that makes the targets; ntp_detach: a layer
    number, the NTP loss trains only what comes after this layer; recall_temperature: of the states that
    :mod:`~jepa_core.objective.recall` puts in after that layer; groups: names of the group numbers 0, 1, …; candidates:
    everything that a target may be; right: the answers of each question that training samples state; asked: finds the
    question in samples.
    """

    terms: tuple[JepaTerm, ...]
    mask: MaskBuilder
    pred_ids: tuple[int, ...] = ()
    gamma_ntp: float = 1.0
    positions: Positions = "continue"
    target: Target = "same"
    ntp_detach: int | None = None
    recall_temperature: float | None = None
    layout: LayoutName = "auto"
    seed: int = 0
    groups: tuple[str, ...] = ()
    candidates: Candidates | None = field(default=None, repr=False)
    right: RightAnswers | None = field(default=None, repr=False)
    asked: Callable[[Samples], Asked] | None = field(default=None, repr=False)


def register_parts(objective: nn.Module, spec: ObjectiveSpec) -> nn.ModuleDict:
    """Makes the components with parameters parts of an objective, by names that are the same in every run of a recipe.

    Returns those that are not in :data:`FIRST`.
    """
    rest = nn.ModuleDict()
    for number, term in enumerate(spec.terms):
        for name, part in term.parts():
            if not isinstance(part, nn.Module):
                continue
            if number == 0 and name in FIRST:
                objective.add_module(name, part)
            else:
                rest[name if number == 0 else f"{term.name}_{name}"] = part
    return rest
