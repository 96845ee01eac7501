"""Repeated facts and leaks in a training set that need not fit into memory.

Samples are compared by 64-bit hashes, as many at a time as `KEYS` allows, sorted. Different hashes prove that
facts differ; where two are equal, which is rare, the tokens decide.

Axes: ``n`` facts, ``m`` those whose hash is not theirs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from jepa_core import DataError
from jepa_core.samples.draws import hash_rows
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.leaks import describe, fact_keys, inverse_table, trained_reverse, trained_test_fact
from jepa_plugins.facts.reverse import reverse_facts
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.vocabulary import Vocabulary

#: Hashes in memory at once, of 8 bytes, for a moment twice; facts read at once.
KEYS, FACTS = 1 << 26, 1 << 15

Parts = Iterator[tuple[np.ndarray, Samples]]  # row numbers, and the facts there


@dataclass(frozen=True)
class CheckedSets:
    """What is checked, and what a message calls it: `train_name` and `test_name`."""

    train: FactSet
    test: FactSet
    vocabulary: Vocabulary
    train_name: str
    test_name: str

    def repeats(self) -> np.ndarray:
        """The rows of the training set that repeat an earlier one, ascending.

        Raises DataError for a fact with two types, a test fact in the training set, and an atomic fact whose
        reverse is there.
        """
        keys = self._shared_keys()
        if not len(keys):
            return np.empty(0, dtype=np.int64)
        alike = Alike.among(self.train, keys)
        for number, row in alike.with_equal(facts_in_parts(self.test)):
            fact = describe(self.test, number, self.vocabulary)
            where = f"{self.test_name}: item {number}"
            raise trained_test_fact(where, fact, f"{self.train_name}: item {row}")
        for number, row in alike.with_equal(self._reversed_atomic()):
            fact = describe(self.train, number, self.vocabulary)
            raise trained_reverse(f"{self.train_name}: item {number}", fact, f"item {row}")
        firsts = alike.firsts()
        self._refuse_two_types(alike.rows, firsts)
        return np.sort(alike.rows[alike.rows != firsts])

    def _shared_keys(self) -> np.ndarray:
        """Ascending hashes that more than one fact of the training set has, or a held-out one too."""
        parts = -(-len(self.train) // KEYS)
        shared = [np.empty(0, dtype=np.uint64)]
        for part in range(parts):  # one after the other, each all hashes with one remainder

            def keys_of(facts: Samples, part: int = part) -> np.ndarray:
                keys = hash_facts(facts)
                return keys[keys % np.uint64(parts) == part]

            keys = np.concatenate([keys_of(facts) for _, facts in facts_in_parts(self.train)])
            keys.sort()
            shared.append(keys[1:][keys[1:] == keys[:-1]])
            for held_out in (facts_in_parts(self.test), self._reversed_atomic()):
                for _, facts in held_out:
                    shared.append(common(keys_of(facts), keys))
        return np.unique(np.concatenate(shared))

    def _reversed_atomic(self) -> Parts:
        inverse = inverse_table(self.vocabulary)
        for rows, facts in facts_in_parts(self.train, SampleType.ATOMIC):
            yield rows, reverse_facts(facts, inverse[facts.ids])

    def _refuse_two_types(self, rows: np.ndarray, firsts: np.ndarray) -> None:
        types = self.train.sample_type
        for at in np.flatnonzero((types[torch.from_numpy(rows)] != types[torch.from_numpy(firsts)]).numpy()):
            row, first = int(rows[at]), int(firsts[at])
            was, now = (SampleType(int(types[i])).name.lower() for i in (first, row))
            fact = describe(self.train, row, self.vocabulary)
            raise DataError(
                f"{self.train_name}: item {row}: type: expected '{was}', as {fact} has in item {first}, not '{now}'"
            )


@dataclass(frozen=True)
class Alike:
    """Samples of a set whose hash is not theirs alone. keys, rows: ``m``, ascending by key, then by row."""

    data_set: FactSet
    keys: np.ndarray
    rows: np.ndarray

    @classmethod
    def among(cls, data_set: FactSet, wanted: np.ndarray) -> Alike:
        """wanted: ascending hashes."""
        found = []
        for rows, facts in facts_in_parts(data_set):
            keys = hash_facts(facts)
            is_wanted = np.isin(keys, common(keys, wanted))
            found.append((keys[is_wanted], rows[is_wanted]))
        keys, rows = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((rows, keys))
        return cls(data_set, keys[order], rows[order])

    def firsts(self) -> np.ndarray:
        """``m``: of each fact the first row with the same tokens, which may be its own."""
        starts = np.flatnonzero(np.append(True, self.keys[1:] != self.keys[:-1]))
        firsts = self.rows[starts].repeat(np.diff(np.append(starts, len(self.rows))))
        differ = np.concatenate(
            [self._differ(self.rows[i : i + FACTS], firsts[i : i + FACTS]) for i in range(0, len(firsts), FACTS)]
        )
        seen: dict[bytes, int] = {}  # facts that differ and have one hash
        for i in np.flatnonzero(np.isin(self.keys, self.keys[differ])):
            firsts[i] = seen.setdefault(self._tokens(int(self.rows[i])), int(self.rows[i]))
        return firsts

    def with_equal(self, parts: Parts) -> Iterator[tuple[int, int]]:
        """(number, row) for every fact of `parts` that is one of these: its number there, and the row here."""
        for numbers, facts in parts:
            keys = hash_facts(facts)
            for i in np.flatnonzero(np.isin(keys, common(keys, self.keys))):
                own = fact_keys(facts[torch.tensor([int(i)])])[0]
                low, high = np.searchsorted(self.keys, keys[i], "left"), np.searchsorted(self.keys, keys[i], "right")
                for row in self.rows[low:high].tolist():
                    if self._tokens(row) == own:
                        yield int(numbers[i]), row

    def _tokens(self, row: int) -> bytes:
        return fact_keys(self.data_set.select(torch.tensor([row])))[0]

    def _differ(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """bool: have these rows other tokens than those."""
        both = self.data_set.select(torch.from_numpy(np.concatenate([rows, others])))
        ids = both.ids.where(both.valid, -1)
        return (ids[: len(rows)] != ids[len(rows) :]).any(dim=1).numpy()


def facts_in_parts(data_set: FactSet, kind: SampleType | None = None) -> Parts:
    """The set part by part; only the facts of one type, where it is given."""
    for start in range(0, len(data_set), FACTS):
        rows = torch.arange(start, min(start + FACTS, len(data_set)))
        if kind is not None:
            rows = rows[data_set.sample_type[rows] == kind]
        if len(rows):
            yield rows.numpy(), data_set.select(rows)


def hash_facts(facts: Samples) -> np.ndarray:
    """``n`` uint64"""
    return hash_rows(facts.ids.numpy(), facts.valid.numpy())


def common(keys: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """Those of `keys` that are in `ascending` too, ascending, repeats included."""
    keys = np.sort(keys)  # so that neighbours look in the same place
    place = np.searchsorted(ascending, keys).clip(max=len(ascending) - 1)
    return keys[ascending[place] == keys] if len(ascending) else keys[:0]
