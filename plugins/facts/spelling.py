"""The tokens of many names in two arrays, instead of a list for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jepa_core.samples.draws import hash_rows


@dataclass(frozen=True)
class Spelling:
    """Token ids of names by number. ids: all of them; starts: ``m + 1``, each name's beginning and the last one's end.

    >>> Spelling.of([[7], [8, 9]])[1]
    (8, 9)
    """

    ids: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int]]) -> Spelling:
        ids, starts = array("i"), array("q", [0])
        for sequence in sequences:
            ids.extend(sequence)
            starts.append(len(ids))
        return cls(np.array(ids, np.int32), np.array(starts, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> tuple[int, ...]:
        return tuple(self.ids[self.starts[number] : self.starts[number + 1]].tolist())

    @cached_property
    def lengths(self) -> np.ndarray:
        """The number of tokens ``m`` of each name."""
        return np.diff(self.starts)

    def gather(self, names: np.ndarray) -> np.ndarray:
        """The tokens of these names, one after the other."""
        lengths = self.lengths[names]
        ends = lengths.cumsum()
        shift = (self.starts[names] - (ends - lengths)).repeat(lengths)
        return self.ids[np.arange(ends[-1] if len(ends) else 0) + shift]

    def comes_first(self, names: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Tells, bool a name, whether its tokens, as a tuple, are smaller than the other name's."""
        ordered = self.ids.astype(">i4").tobytes()  # so that bytes compare as numbers do
        starts = (4 * self.starts).tolist()
        pairs = zip(names.tolist(), others.tolist(), strict=True)
        return np.array(
            [ordered[starts[a] : starts[a + 1]] < ordered[starts[b] : starts[b + 1]] for a, b in pairs], bool
        )

    def first_twice(self) -> tuple[int, int] | None:
        """The first name with the tokens of an earlier one, and the earlier one; None where all differ."""
        hashes = self._hashes()
        ascending = np.sort(hashes)
        shared = ascending[1:][ascending[1:] == ascending[:-1]]
        owner: dict[tuple[int, ...], int] = {}
        for name in np.flatnonzero(np.isin(hashes, shared, kind="sort")).tolist() if len(shared) else ():
            if (other := owner.setdefault(self[name], name)) != name:
                return name, other
        return None

    def _hashes(self) -> np.ndarray:
        """The hashes ``m`` uint64 of names, equal for the same tokens."""
        found = np.empty(len(self), np.uint64)
        for length in np.unique(self.lengths).tolist():
            names = np.flatnonzero(self.lengths == length)
            rows = self.gather(names).reshape(len(names), length)
            found[names] = hash_rows(rows, np.ones(rows.shape, bool))
        return found
