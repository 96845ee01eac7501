"""The entities of a task: the distinct names at the heads and tails of its facts.

Axes: ``n`` facts, ``s`` tokens of a fact, ``m`` entities, ``w`` tokens of the longest name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from jepa_core.samples.candidates import Candidates
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.sample_set import SampleSet, parts_of
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.roles import Role, from_spans

_PART = 1 << 16


def entities_of(sets: Iterable[SampleSet]) -> Candidates:
    """Collects the entities of all facts of these sets, read part by part; every token of a name is tagged as tail."""
    found: dict[int, list[int]] = {}
    for facts in facts_of(sets):
        for role in (Role.HEAD, Role.TAIL):
            names = facts.where(facts.tags == role)
            hashes, first = _distinct(sequence_ids(names.ids, names.valid))
            for number, ids, valid in zip(hashes.tolist(), names.ids[first], names.valid[first], strict=True):
                if number not in found:
                    found[number] = ids[valid].tolist()
    ordered = sorted(found)
    names = from_spans([[[], [], [], found[number]] for number in ordered], pad_id=0)
    return Candidates(names, torch.tensor(ordered, dtype=torch.int64))


def facts_of(sets: Iterable[SampleSet]) -> Iterator[Samples]:
    """Yields all facts of these sets, part by part."""
    for data_set in sets:
        for rows in parts_of(len(data_set), _PART):
            yield Samples.of_batch(data_set.__getitems__(rows))


def _distinct(hashes: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct values, and the row in which each first occurs."""
    values, inverse = hashes.unique(return_inverse=True)
    rows = torch.arange(len(hashes)).flip(0)
    return values, torch.empty_like(values).scatter_(0, inverse.flip(0), rows)
