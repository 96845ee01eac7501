"""The entities of a task: the distinct names at the heads and tails of its facts.

Axes: ``n`` facts, ``s`` tokens of a fact, ``m`` entities, ``w`` tokens of the longest name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import DataError
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.samples import Facts, Role

_PART = 1 << 16


@dataclass(frozen=True)
class Entities:
    """names: ``m w``, every token a tail; hashes: ``m``, of the names, ascending."""

    names: Facts
    hashes: Tensor

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def of(cls, sets: Iterable[Any]) -> Entities:
        """Of every fact of these sets (see :class:`~jepa_plugins.facts.fact_set.FactSet`), read part by part."""
        found: dict[int, list[int]] = {}
        for facts in facts_of(sets):
            for role in (Role.HEAD, Role.TAIL):
                names = facts.where(facts.roles == role)
                hashes, first = _distinct(sequence_ids(names.ids, names.valid))
                for number, ids, valid in zip(hashes.tolist(), names.ids[first], names.valid[first], strict=True):
                    if number not in found:
                        found[number] = ids[valid].tolist()
        ordered = sorted(found)
        names = Facts.from_spans([[[], [], [], found[number]] for number in ordered], pad_id=0)
        return cls(names, torch.tensor(ordered, dtype=torch.int64))

    def index(self, ids: Tensor, select: Tensor) -> Tensor:
        """``n``: which entity the selected tokens of each row name. Raises DataError for one not among these."""
        place = self.find(ids, select)
        if (unknown := self.hashes[place] != sequence_ids(ids, select)).any():
            row = int(unknown.nonzero()[0])
            raise DataError(f"tokens {ids[row][select[row]].tolist()} name no entity of the task")
        return place

    def find(self, ids: Tensor, select: Tensor) -> Tensor:
        """As :meth:`index` for names that are known to be among these, without waiting for the device."""
        hashes = sequence_ids(ids, select)
        return torch.searchsorted(self.hashes.to(hashes.device), hashes).clamp(max=len(self) - 1)


def facts_of(sets: Iterable[Any]) -> Iterator[Facts]:
    """All facts of these sets, part by part."""
    for data_set in sets:
        for start in range(0, len(data_set), _PART):
            batch = data_set.__getitems__(range(start, min(start + _PART, len(data_set))))
            yield Facts(batch["input_ids"], batch["roles"])


def _distinct(hashes: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct values, and the row of each one's first occurrence."""
    values, inverse = hashes.unique(return_inverse=True)
    rows = torch.arange(len(hashes)).flip(0)
    return values, torch.empty_like(values).scatter_(0, inverse.flip(0), rows)
