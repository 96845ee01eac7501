"""JEPA terms that no sample of a run can ever pay, found before it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from jepa_core.components import FilterTraits, LossFilter
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.planner import Planner
from jepa_core.objective.schedule import Schedule, weight_at
from jepa_core.samples.draws import uniform
from jepa_core.samples.sample_set import Batch, SampleSet, parts_of

#: Samples planned together, and the most that are looked through before none is said to count.
PART, LOOKED_THROUGH = 1 << 12, 1 << 20
#: Steps for which a filter that draws at an unknown rate is tried.
STEPS = 64


def silent_terms(objective: JepaObjective, train: SampleSet, steps: int | None = None) -> dict[str, str]:
    """Finds the JEPA terms that have a weight, but that no training sample can ever pay; returns name -> why.

    steps: of the run, where that is known.
    """
    terms = enumerate(objective.spec.terms)
    found = ((term.name, _why(objective.planner, number, train, steps)) for number, term in terms if term.enabled)
    return {name: why for name, why in found if why}


def _why(planner: Planner, number: int, train: SampleSet, steps: int | None) -> str:
    term = planner.spec.terms[number]
    if steps is not None and not any(weight_at(term.weight, step) for step in (0, steps - 1)):  # it never turns back
        return f"its weight is 0 in all {steps:,} steps"
    for keep in term.filters:
        rate = FilterTraits.of(keep).rate
        if rate is not None and rate >= 1:
            return f"{type(keep).__name__} drops every pair: its rate is {rate:g}"
    left, seen = _left(planner, number, train)
    if left is None:
        return f"of {seen:,} training samples the filters leave none"
    return _dropped_by_chance(planner, number, left)


def _left(planner: Planner, number: int, train: SampleSet) -> tuple[Batch | None, int]:
    """The samples that all but the training-only filters leave, or None; and how many were looked through."""
    seen, weight = 0, planner.spec.terms[number].weight
    step = weight.steps if isinstance(weight, Schedule) and not weight.start else 0  # it has a weight there
    for rows in _rows(train):
        batch = train.__getitems__(rows)
        seen = max(seen, len(rows), rows[-1] + 1 if isinstance(rows, range) else 0)
        if len(left := planner.eligible(batch, step, training=False, number=number).nonzero().flatten()):
            return {key: value[left] for key, value in batch.items()}, seen
    return None, seen


def _rows(train: SampleSet) -> Iterator[Sequence[int]]:
    """Yields rows to look through: first some of every group, which mostly settles it."""
    yield torch.cat([train.first_rows(group, PART // 4) for group in train.group_sizes]).sort().values.tolist()
    yield from parts_of(min(len(train), LOOKED_THROUGH), PART)


def _dropped_by_chance(planner: Planner, number: int, batch: Batch) -> str:
    """Names a training-only filter without a stated rate that leaves nothing when tried; else an empty string."""
    for stream, keep in enumerate(planner.spec.terms[number].filters):
        traits = FilterTraits.of(keep)
        if traits.training_only and traits.rate is None:
            own = stream + (number << 8)
            if not any(_kept(planner, keep, own, batch, step).any() for step in range(STEPS)):
                return f"in {STEPS} steps {type(keep).__name__} left none of {len(batch['index']):,} samples"
    return ""


def _kept(planner: Planner, keep: LossFilter, stream: int, batch: Batch, step: int) -> Tensor:
    index = batch["index"] * (FilterTraits.of(keep).draws_per != "step")
    everyone = torch.ones_like(index, dtype=torch.bool)
    return keep(everyone, batch, uniform(planner.spec.seed, step, index, stream))
