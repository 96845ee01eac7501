"""Checks that all layouts, and two separate naive passes, give the same losses and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

from torch import Tensor

from jepa_core.errors import ComponentError
from jepa_core.objective.layouts import choose
from jepa_core.verify.context import Context, copied, gradient_difference, gradients, mode, relaid
from jepa_core.verify.naive import CannotExpress, naive_losses
from jepa_core.verify.perturb import worst
from jepa_core.verify.row import Row, at_most, not_applicable, source_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Relative difference allowed between two ways to the same numbers, in float32.
BOUND = 1e-5
NAIVE = "two naive passes"
ALL = ("packed", "rows", "flat")
#: A term below this share of the loss may be a difference of nearly equal numbers; it is compared to the share then.
SMALL = 0.01


@dataclass(frozen=True)
class Numbers:
    """The losses of a batch, None where nothing counts, and the gradient of the total by parameter."""

    loss: float | None
    ntp: float | None
    jepa: float | None
    gradient: dict[str, Tensor]

    @property
    def finite(self) -> bool:
        return isfinite(self.loss or 0.0) and all(bool(g.isfinite().all()) for g in self.gradient.values())


def layouts(context: Context) -> Iterator[Row]:
    """Compares each layout with naive passes, or, where these can't be made, with another layout.

    All run one copy of the model in float32, where a difference of meaning stands out from rounding.
    """
    source, own = source_of(choose), context.objective.layout.name
    reasons: dict[str, str] = {}
    found: dict[str, Numbers] = {}
    model = copied(context.objective).float()
    for name in (NAIVE, own, *ALL):
        if name not in found:
            try:
                found[name] = _numbers(context, name, model)
            except (CannotExpress, ComponentError) as error:
                reasons[name] = str(error)
    reference = next(iter(found), "")
    for name in dict.fromkeys((own, *ALL, NAIVE)):
        title = f"{name}, as trained" if name == own else name
        if name in reasons:
            yield not_applicable(title, reasons[name], source)
        elif not found[reference].finite:
            yield not_applicable(title, "the loss or its gradient is not finite (see health)", source)
        elif name != reference:
            yield _compare(f"{title}, against {reference}", found[name], found[reference], source)


def _numbers(context: Context, name: str, model: PreTrainedModel) -> Numbers:
    """Runs the few samples in one way. Raises CannotExpress or ComponentError where the recipe can't run so."""
    objective = relaid(context.objective, "packed" if name == NAIVE else name, model)
    with closing(objective), mode(objective, filters=False):
        if name == NAIVE:
            naive = naive_losses(objective, context.few)
            loss, ntp, jepa = naive.loss, naive.ntp, naive.jepa
        else:
            plan = objective.plan(context.few)
            out = objective(plan=plan.to(context.device))
            loss, ntp, jepa = out.loss, out.ntp_loss if plan.labels else None, out.jepa_loss
        return Numbers(_number(loss), _number(ntp), _number(jepa), gradients(objective, loss))


def _compare(title: str, ours: Numbers, theirs: Numbers, source: str) -> Row:
    apart, parameter = gradient_difference(ours.gradient, theirs.gradient)
    losses = [(name, getattr(ours, name), getattr(theirs, name)) for name in ("ntp", "jepa", "loss")]
    small = SMALL * abs(theirs.loss or 0.0)
    far = [_relative(a, b, small) for _, a, b in losses]
    told = "; ".join(f"{name} {_told(a)} and {_told(b)}" for name, a, b in losses)
    evidence = f"{told}; gradient {apart:.1e} of its norm apart, most in {parameter}"
    return at_most(title, worst([*far, apart]), BOUND, evidence, source)


def _relative(a: float | None, b: float | None, small: float) -> float:
    """The difference relative to `b`, or to `small` where that is larger; infinite where only one is None."""
    if a is None or b is None:
        return 0.0 if a is b else inf
    return abs(a - b) / max(abs(b), small, 1e-12)


def _number(loss: Tensor | None) -> float | None:
    return None if loss is None else float(loss.detach())


def _told(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
