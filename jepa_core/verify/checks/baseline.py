"""Checks that without a weight on the JEPA loss training is next-token prediction, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from torch import Tensor

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.objective.planner import Planner
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.verify.checks.layouts import BOUND
from jepa_core.verify.context import Context, copied, gradient_difference, gradients, mode, spread
from jepa_core.verify.row import Row, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_core.views.pairs import no_views

#: Steps of the short runs, and samples of each step.
STEPS, SAMPLES = 2, 12
#: A weight so small that float32 loses the JEPA loss's part of a gradient.
NEARLY_NOTHING = 1e-12
ZERO = "weights at lambda_jepa 0 that are not those of next-token prediction alone"
LIMIT = "gradient as lambda_jepa goes to 0, against next-token prediction alone"


def baseline(context: Context) -> Iterator[Row]:
    """Trains the recipe at weight 0 beside an objective without views, filters, predictor tokens and targets.

    Then compares one gradient at a weight of nearly 0, with second views, against the same objective.
    """
    source = source_of(Planner.eligible)
    if why := _why_not(context.objective.spec):
        yield from (not_applicable(name, why, source) for name in (ZERO, LIMIT))
        return
    yield _zero(context, source)
    yield _limit(context, source_of(JepaObjective.forward))


def alone(spec: ObjectiveSpec) -> ObjectiveSpec:
    """The spec of next-token prediction alone, on the same labels."""
    term = replace(
        spec.terms[0],
        reversal=no_views,
        distance=_no_distance,
        predictor=None,
        condition=None,
        filters=(),
        regularizers=(),
        weight=0.0,
    )
    return replace(spec, terms=(term,), pred_ids=(), target="same", candidates=None)


def weighted(spec: ObjectiveSpec, weight: float, **others: Any) -> ObjectiveSpec:
    """The spec with this weight on every JEPA loss. others: further fields of each term."""
    return replace(spec, terms=tuple(replace(term, weight=weight, **others) for term in spec.terms))


def _zero(context: Context, source: str) -> Row:
    from jepa_core.verify.one_step import trained  # takes seconds

    size = min(SAMPLES, len(context.training_rows) // STEPS)
    rows = spread(context.training_rows, size * STEPS)
    spec = context.objective.spec
    ours, theirs = (trained(context.run, each, rows, STEPS) for each in (weighted(spec, 0.0), alone(spec)))
    wrong = _others(ours, theirs)
    differs = wrong and context.device.type != "cpu"  # where rounding need not be the same each time
    if differs and _others(theirs, trained(context.run, alone(spec), rows, STEPS)):
        return not_applicable(ZERO, f"the same steps give other bits each time on {context.device}", source)
    told = f"{count(len(theirs), 'tensor')} after {STEPS} steps of {count(size, 'sample')}, compared bit for bit"
    return at_most(ZERO, len(wrong), 0, f"{told}; another: {', '.join(wrong[:3])}" if wrong else told, source)


def _others(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    return [name for name, value in other.items() if not value.equal(one[name])]


def _limit(context: Context, source: str) -> Row:
    spec = context.objective.spec
    if not any(term.enabled for term in spec.terms):
        return not_applicable(LIMIT, context.nothing_counts, source)
    (plan, ours), (bare, theirs) = (
        _gradient(context, each) for each in (weighted(spec, NEARLY_NOTHING, regularizers=()), alone(spec))
    )
    if not plan.jepa_pairs:
        return not_applicable(LIMIT, "no pair among these samples", source)
    if plan.labels > bare.labels:
        own = count(plan.labels - bare.labels, "label")
        return not_applicable(LIMIT, f"the second views have {own} of their own", source)
    apart, parameter = gradient_difference({name: ours[name] for name in theirs}, theirs)
    told = f"at {NEARLY_NOTHING:g}; {count(plan.jepa_pairs, 'pair')}; largest difference of the gradient in {parameter}"
    return at_most(LIMIT, apart, BOUND, told, source)


def _gradient(context: Context, spec: ObjectiveSpec) -> tuple[Plan, dict[str, Tensor]]:
    """The plan of a few samples, and its gradient at the model's parameters."""
    objective = type(context.objective)(copied(context.objective).float(), spec)
    with closing(objective), mode(objective, filters=False):
        plan = objective.plan(context.few)
        found = gradients(objective, objective(plan=plan.to(context.device)).loss)
    return plan, {name: g for name, g in found.items() if name.startswith("model.")}


def _why_not(spec: ObjectiveSpec) -> str:
    if not spec.gamma_ntp:
        return "gamma_ntp is 0: without a JEPA loss nothing is trained"
    return "" if spec.recall_temperature is None else "recall is made of what the JEPA loss trains"


def _no_distance(predicted: Tensor, target: Tensor, /, **needs: Tensor) -> Tensor:
    return (predicted - target).square().sum(dim=-1)
