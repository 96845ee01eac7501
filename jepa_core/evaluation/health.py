"""The health of training: how the two loss terms pull, and whether the embeddings collapse.

Axes: ``n`` counted pairs, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core.model.evaluating import evaluating
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.objective.schedule import weight_at
from jepa_core.tensors import wide

Gradient = list[Tensor | None]

#: Embeddings have collapsed above this mean cosine, or below this effective rank.
ALIKE, FEW_DIRECTIONS = 0.999, 1.5
#: With fewer pairs these figures say nothing.
PAIRS = 4


@dataclass(frozen=True)
class Health:
    """Figures of one batch; None where there is nothing to measure, or it is not finite.

    ntp_gradient_norm, jepa_gradient_norm: norms of the gradients of ``gamma_ntp * ntp`` and ``lambda_jepa * jepa``,
    over the model's trainable parameters; gradient_cosine: between these two gradients, below 0 where the terms pull
    apart; predicted_rank, target_rank: effective rank of the embeddings, from 1 (all on one line) to min(n, d);
    predicted_cosine, target_cosine: mean cosine of two different embeddings, 1 where all point one way; pairs: counted
    pairs.
    """

    ntp_gradient_norm: float | None
    jepa_gradient_norm: float | None
    gradient_cosine: float | None
    predicted_rank: float | None
    target_rank: float | None
    predicted_cosine: float | None
    target_cosine: float | None
    pairs: int


def collapsed(cosine: float, rank: float) -> bool:
    return cosine > ALIKE or rank < FEW_DIRECTIONS


def describe_collapse(figures: Mapping[str, float]) -> str:
    """Says in a sentence which sides' embeddings have collapsed; an empty string where none has, or there is too little
    to tell. figures: named as in the log, ``health_…``."""
    sides = [
        f"{side} (effective rank {rank:.2f}, mean cosine {cosine:.5f})"
        for side in ("predicted", "target")
        if (rank := figures.get(f"health_{side}_rank")) is not None
        and (cosine := figures.get(f"health_{side}_cosine")) is not None
        and figures.get("health_pairs", 0) >= PAIRS
        and collapsed(cosine, rank)
    ]
    if not sides:
        return ""
    bound = f"bound: rank {FEW_DIRECTIONS}, cosine {ALIKE}"
    return f"the embeddings have collapsed: {', '.join(sides)}; {bound}. A low JEPA loss says nothing then"


@torch.enable_grad()
def measure_health(objective: JepaObjective, batch: Mapping[str, Tensor], step: int = 0) -> Health:
    """Measures in evaluation mode, without dropout, and leaves mode, weights and ``.grad`` as they were.

    batch: keys as in :data:`~jepa_core.samples.sample_set.Batch`; step: the optimizer step, for filters that
    draw. Costs two forward and two backward passes. Where the model is split over processes, every process has to call
    this, and gradients are not measured.
    """
    split = objective.transformer.lockstep is not None
    with evaluating(objective):
        plan = objective.plan(dict(batch), step).to(next(objective.parameters()).device)
        ntp, jepa = (None, None) if split else (_ntp_gradient(objective, plan), _jepa_gradient(objective, plan))
        with objective.transformer.whole():
            predicted, target = _embeddings(objective, plan)
    return Health(
        ntp_gradient_norm=_norm(ntp),
        jepa_gradient_norm=_norm(jepa),
        gradient_cosine=_cosine(ntp, jepa),
        predicted_rank=effective_rank(predicted),
        target_rank=effective_rank(target),
        predicted_cosine=mean_cosine(predicted),
        target_cosine=mean_cosine(target),
        pairs=plan.jepa_pairs,
    )


@torch.no_grad()
def effective_rank(embeddings: Tensor) -> float | None:
    """exp of the entropy of the normalised singular values of ``n d`` (Roy and Vetterli 2007, "The effective
    rank: a measure of effective dimensionality"); None without any, and where they are all 0 or not finite."""
    if not embeddings.numel() or not embeddings.isfinite().all():
        return None
    values = torch.linalg.svdvals(wide(embeddings))
    if not values.sum() > 0:
        return None
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())


@torch.no_grad()
def mean_cosine(embeddings: Tensor) -> float | None:
    """The mean cosine of two different rows of ``n d``; None with fewer than two, and where not finite."""
    n = len(embeddings)
    if n < 2:
        return None
    units = normalize(wide(embeddings), dim=-1)
    both_ways = units.sum(dim=0).square().sum() - units.square().sum()
    return _finite(both_ways / (n * (n - 1)))


def _ntp_gradient(objective: JepaObjective, plan: Plan) -> Gradient | None:
    if not plan.labels:
        return None
    without = tuple(replace(term, pairs=()) for term in plan.terms)
    return _gradient(objective, objective(plan=replace(plan, terms=without)).loss)


def _jepa_gradient(objective: JepaObjective, plan: Plan) -> Gradient | None:
    """The gradient of all JEPA terms together, weighted; None where no pair counts."""
    if not plan.jepa_pairs:
        return None
    hidden, total = objective.hidden_states(plan), torch.zeros((), device=plan.arrangement.places[0].device)
    for number, (term, planned) in enumerate(zip(objective.spec.terms, plan.terms, strict=True)):
        if planned.count:
            weight = weight_at(term.weight, plan.step)
            total = total + weight * objective.jepa_sum(plan, hidden, number) / planned.count
    return _gradient(objective, total)


def _gradient(objective: JepaObjective, loss: Tensor) -> Gradient | None:
    """The gradient of `loss`, one tensor for each trainable parameter of the model; None where nothing is trainable."""
    shared = [p for p in objective.model.parameters() if p.requires_grad]
    if not shared or not loss.requires_grad:
        return None
    return list(torch.autograd.grad(loss, shared, allow_unused=True))


@torch.no_grad()
def _embeddings(objective: JepaObjective, plan: Plan) -> tuple[Tensor, Tensor]:
    """Predicted and target ``n d`` of the first term that counts a pair, all its pairs of views one after another."""
    if not plan.jepa_pairs:
        return torch.empty(0, 0), torch.empty(0, 0)
    hidden = objective.hidden_states(plan)
    counted = [number for number, planned in enumerate(plan.terms) if planned.count]
    predicted, target = zip(*objective.embeddings(plan, hidden, counted[0]), strict=True)
    return torch.cat(predicted), torch.cat(target)


def _norm(gradient: Gradient | None) -> float | None:
    return None if gradient is None else _finite(_dot(gradient, gradient).sqrt())


def _cosine(a: Gradient | None, b: Gradient | None) -> float | None:
    """The cosine of two gradients; None where one is missing or 0."""
    if a is None or b is None:
        return None
    return _finite(_dot(a, b) / (_dot(a, a) * _dot(b, b)).sqrt())


def _dot(a: Gradient, b: Gradient) -> Tensor:
    both = [(wide(x) * wide(y)).sum() for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    return torch.stack(both).sum() if both else torch.zeros((), dtype=torch.float64)


def _finite(value: Tensor) -> float | None:
    return float(value) if value.isfinite() else None
