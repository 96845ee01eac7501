"""The order in which an epoch reads the training set: a permutation that is worked out as it is read.

A Feistel network turns place into sample one by one, so that nothing as long as the set is ever in memory.
The order is a function of (seed, epoch): the same in every process, and after a resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import isqrt
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Sampler

from jepa_core.data.hashing import mix

#: Places worked out at once: enough to make numpy's calls cheap, and still within a core's cache.
BLOCK = 1 << 13
ROUNDS = 6
_HALF = np.uint64(32)
_MASK = (1 << 64) - 1


class Permutation:
    """A permutation of the numbers below `length`; another one for every seed and epoch.

    A number is a row and a column of a grid. Each round turns the row by a hash of the column, or the column
    by a hash of the row, which can be undone, so that no two numbers meet (a Feistel network: Luby and
    Rackoff 1988; on a grid: Black and Rogaway 2002). The grid has a few places more than needed: a number
    that comes to one of them goes through the network again.
    """

    def __init__(self, length: int, seed: int, epoch: int):
        self.length = length
        columns = max(8, isqrt(length))
        self.sides = (max(8, -(-length // columns)), columns)
        key = np.zeros(1, dtype=np.uint64)
        for part in (seed, epoch):
            key = mix(key ^ np.uint64(part & _MASK))
        self.keys = mix(key + np.arange(ROUNDS, dtype=np.uint64))

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """places: int64 of one axis, each below `length`; of each the number that it is sent to, int64."""
        numbers = self._scatter(places.astype(np.uint64))
        outside = np.flatnonzero(numbers >= self.length)
        while len(outside):
            numbers[outside] = self._scatter(numbers[outside])
            outside = outside[numbers[outside] >= self.length]
        return numbers.astype(np.int64)

    def _scatter(self, numbers: np.ndarray) -> np.ndarray:
        """One pass through the network, over all numbers of the grid."""
        sides = [np.uint64(side) for side in self.sides]
        parts = list(np.divmod(numbers, sides[1]))
        for number, key in enumerate(self.keys):
            turned = number % 2
            part, side = parts[turned], sides[turned]
            part += (mix(parts[1 - turned] ^ key) >> _HALF) * side >> _HALF  # by less than a whole turn
            part -= (part >= side) * side
        return parts[0] * sides[1] + parts[1]


class EpochSampler(Sampler[int]):
    """Every sample once, in the order of (seed, epoch); `set_epoch` is called before each epoch."""

    def __init__(self, length: int, seed: int):
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        order = Permutation(self.length, self.seed, self.epoch)
        starts = range(0, self.length, BLOCK)
        blocks = (order(np.arange(start, min(start + BLOCK, self.length))).tolist() for start in starts)
        return chain.from_iterable(blocks)


def forward_epochs(loader: DataLoader) -> None:
    """Makes the trainer's ``set_epoch`` reach an EpochSampler, however the loader is wrapped later.

    A resumed run of several processes has it under two wrappers (accelerate's ``BatchSamplerShard`` inside
    its ``SkipBatchSampler``), one more than accelerate looks through, and would begin with epoch 0 again.
    """
    batches: Any = loader.batch_sampler
    sampler = getattr(batches, "batch_sampler", batches).sampler
    if isinstance(sampler, EpochSampler):
        batches.set_epoch = sampler.set_epoch
