"""Finding equal facts in a set that need not fit into memory.

Facts are compared by 64-bit hashes. Different hashes prove that facts differ; where two are equal, which is rare,
the tokens decide.

Axes: ``n`` facts, ``m`` facts that share their hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from jepa_core.samples.draws import hash_rows
from jepa_core.samples.sample_set import parts_of
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import SampleType

#: Facts read at once.
FACTS = 1 << 15
#: How hashes are looked for: a table, for which numpy 2.0 fails at uint64, is never right for numbers so far apart.
KIND: Literal["sort"] = "sort"

Parts = Iterator[tuple[np.ndarray, Samples]]  # row numbers, and the facts there


@dataclass(frozen=True)
class Alike:
    """The facts of a set that share their hash. keys, rows: ``m``, ascending by key, then by row."""

    data_set: FactSet
    keys: np.ndarray
    rows: np.ndarray

    @classmethod
    def among(cls, data_set: FactSet, wanted: np.ndarray) -> Alike:
        """Finds the facts of a set with a wanted hash. wanted: ascending."""
        found = []
        for rows, facts in facts_in_parts(data_set):
            keys = hash_facts(facts)
            is_wanted = np.isin(keys, keys_in(keys, wanted), kind=KIND)
            found.append((keys[is_wanted], rows[is_wanted]))
        keys, rows = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((rows, keys))
        return cls(data_set, keys[order], rows[order])

    def firsts(self) -> np.ndarray:
        """The first row ``m`` with the same tokens as each fact, which may be its own."""
        starts = np.flatnonzero(np.append(True, self.keys[1:] != self.keys[:-1]))
        firsts = self.rows[starts].repeat(np.diff(np.append(starts, len(self.rows))))
        differ = np.concatenate(
            [self._differ(self.rows[i : i + FACTS], firsts[i : i + FACTS]) for i in range(0, len(firsts), FACTS)]
        )
        seen: dict[bytes, int] = {}  # facts that differ and have one hash
        for i in np.flatnonzero(np.isin(self.keys, self.keys[differ], kind=KIND)):
            firsts[i] = seen.setdefault(self._tokens(int(self.rows[i])), int(self.rows[i]))
        return firsts

    def with_equal(self, parts: Parts) -> Iterator[tuple[int, int]]:
        """Yields (number, row) for every fact of `parts` that equals one of these: its number there, the row here."""
        for numbers, facts in parts:
            keys = hash_facts(facts)
            for i in np.flatnonzero(np.isin(keys, keys_in(keys, self.keys), kind=KIND)):
                own = fact_keys(facts[torch.tensor([int(i)])])[0]
                low, high = np.searchsorted(self.keys, keys[i], "left"), np.searchsorted(self.keys, keys[i], "right")
                for row in self.rows[low:high].tolist():
                    if self._tokens(row) == own:
                        yield int(numbers[i]), row

    def _tokens(self, row: int) -> bytes:
        return fact_keys(self.data_set.select(torch.tensor([row])))[0]

    def _differ(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Tells, bool a row, whether these rows have other tokens than those."""
        both = self.data_set.select(torch.from_numpy(np.concatenate([rows, others])))
        ids = both.ids.where(both.valid, -1)
        return (ids[: len(rows)] != ids[len(rows) :]).any(dim=1).numpy()


def facts_in_parts(data_set: FactSet, kind: SampleType | None = None) -> Parts:
    """Reads a set part by part; only the facts of one type, where it is given."""
    for part in parts_of(len(data_set), FACTS):
        rows = torch.arange(part.start, part.stop)
        if kind is not None:
            rows = rows[data_set.sample_type[rows] == kind]
        if len(rows):
            yield rows.numpy(), data_set.select(rows)


def hash_facts(facts: Samples) -> np.ndarray:
    """The hashes of the facts, ``n`` uint64."""
    return hash_rows(facts.ids.numpy(), facts.valid.numpy())


def keys_in(keys: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """The `keys` that are in `ascending` too, sorted, repeats included."""
    keys = np.sort(keys)  # so that neighbours look in the same place
    place = np.searchsorted(ascending, keys).clip(max=len(ascending) - 1)
    return keys[ascending[place] == keys] if len(ascending) else keys[:0]


def fact_keys(facts: Samples) -> list[bytes]:
    """The tokens of each fact as bytes, equal for equal facts, whatever the padding."""
    buffer, width = facts.ids.int().numpy().tobytes(), 4 * facts.ids.shape[1]
    lengths = facts.valid.sum(dim=1).tolist()
    return [buffer[i * width : i * width + 4 * length] for i, length in enumerate(lengths)]


def no_keys() -> np.ndarray:
    """An empty array of hashes."""
    return np.empty(0, np.uint64)
