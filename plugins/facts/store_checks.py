"""Finding repeated facts and leaks in a training set that need not fit into memory.

Up to `KEYS` hashes are sorted at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.alike import Alike, facts_in_parts, hash_facts, keys_in, no_keys
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.leaks import fact_in_words, held_out_facts, refuse_leaks
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.vocabulary import Vocabulary

#: The most hashes, of 8 bytes, in memory at once; for a moment twice as many.
KEYS = 1 << 26


@dataclass(frozen=True)
class CheckedSets:
    """The sets to check, and their names in messages: `train_name` and `test_name`."""

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
        refuse_leaks(alike, self.test, self.vocabulary, self.train_name, self.test_name)
        firsts = alike.firsts()
        self._refuse_two_types(alike.rows, firsts)
        return np.sort(alike.rows[alike.rows != firsts])

    def _shared_keys(self) -> np.ndarray:
        """The ascending hashes that a fact of the training set shares with another one or with a held-out one."""
        parts = -(-len(self.train) // KEYS)
        shared = [no_keys()]
        for part in range(parts):  # one after the other, each all hashes with one remainder

            def keys_of(facts: Samples, part: int = part) -> np.ndarray:
                keys = hash_facts(facts)
                return keys[keys % np.uint64(parts) == part]

            keys = np.concatenate([keys_of(facts) for _, facts in facts_in_parts(self.train)])
            keys.sort()
            shared.append(keys[1:][keys[1:] == keys[:-1]])
            for _, facts in held_out_facts(self.train, self.test, self.vocabulary):
                shared.append(keys_in(keys_of(facts), keys))
        return np.unique(np.concatenate(shared))

    def _refuse_two_types(self, rows: np.ndarray, firsts: np.ndarray) -> None:
        types = self.train.sample_type
        for at in np.flatnonzero((types[torch.from_numpy(rows)] != types[torch.from_numpy(firsts)]).numpy()):
            row, first = int(rows[at]), int(firsts[at])
            was, now = (SampleType(int(types[i])).name.lower() for i in (first, row))
            fact = fact_in_words(self.train, row, self.vocabulary)
            raise DataError(
                f"{self.train_name}: item {row}: type: expected '{was}', as {fact} has in item {first}, not '{now}'"
            )
