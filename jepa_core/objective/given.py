"""Batches and counts from a loop of somebody's own, looked at before they are used; what comes from a run's own trainer
is not looked at again in every step."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from operator import index
from typing import Any

import torch
from torch import Tensor, nn

from jepa_core.errors import DataError, did_you_mean
from jepa_core.objective.plan import Plan
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.objective.terms import NTP, Count
from jepa_core.samples.batches import check_batch
from jepa_core.samples.sample_set import KEYS

#: The keys of a batch that next-token prediction alone asks for.
_WITHOUT_TERMS = ("input_ids", "labels", "tags")


class Uncopied(nn.Module):
    """A module with hooks on another one; a copy of it would go on working on that one."""

    def __deepcopy__(self, memo: object) -> Any:
        raise TypeError(
            f"a {type(self).__name__} can't be copied, as its hooks are on its model: close() it, copy the model, and "
            "make another of the copy and the spec"
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            f"a {type(self).__name__} can't be pickled, as its hooks are on its model: save its state_dict(), and load "
            "that into another of the same recipe"
        )


@torch.compiler.disable  # a plan is made in NumPy, on the host
def plan_given(objective: Any, batch: Mapping[str, Any], step: int) -> Plan:
    """Plans a batch on the host, wherever it is; returns the plan on the model's device. Raises DataError for a batch
    that can't be right."""
    try:
        step = index(step)
    except TypeError:
        raise DataError(f"step: expected a whole number, not {step!r}") from None
    spec, device = objective.spec, objective.model.device
    on_host = {key: value.cpu() if isinstance(value, Tensor) else value for key, value in batch.items()}
    check_batch(on_host, objective.transformer.vocab, spec.groups, KEYS if spec.terms else _WITHOUT_TERMS)
    plan: Plan = objective.plan(on_host, step)
    return plan if device.type == "cpu" else plan.to(device)


def given_counts(
    counts: Mapping[str, Count | float] | None, spec: ObjectiveSpec, plan: Plan
) -> Mapping[str, Count | float]:
    """Returns the denominators by term, 1 where the whole step counts nothing. Raises DataError for a term that there
    is not, and for a number that can't be the whole step's."""
    if counts is None:
        return {}
    if not isinstance(counts, Mapping):
        raise DataError(f"counts: expected term -> count of the whole step, not a {type(counts).__name__}")
    here = {NTP: plan.labels, **{t.name: p.count for t, p in zip(spec.terms, plan.terms, strict=False)}}
    known = {
        *here,
        *(term.name for term in spec.terms),
        *(name for term in spec.terms for name, _ in term.regularizers),
    }
    for name, count in counts.items():
        if name not in known:
            raise DataError(f"counts: no term is called '{name}'{did_you_mean(str(name), known)}")
        if not isinstance(count, Tensor) and not _counts(count, here.get(name, 0)):
            raise DataError(f"counts: {name}: expected the count of the whole step, a number above 0, not {count!r}")
    return {name: count if isinstance(count, Tensor) else count or 1 for name, count in counts.items()}


def _counts(count: Any, here: int) -> bool:
    """Tells whether a number can be the count of a step of which this batch counts `here`."""
    is_number = isinstance(count, Real) and not isinstance(count, bool)
    return is_number and isfinite(count) and (count > 0 or count == here == 0)
