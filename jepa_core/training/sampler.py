"""The order in which an epoch reads the training set: a permutation worked out as it is read.

A Feistel network turns place into sample one by one, so that nothing as long as the set is ever in memory.
The order is a function of (seed, epoch): the same in every process, and after a resume. Where a set tells its samples'
lengths, a micro-batch gets samples of like length, and where it asks for that, a whole step does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import isqrt
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Sampler

from jepa_core.samples.draws import mix
from jepa_core.samples.sample_set import SampleSet

#: Places worked out at once: enough to make numpy's calls cheap, and still within a core's cache.
BLOCK = 1 << 13
ROUNDS = 6
#: Steps whose samples are sorted by length together: enough for like lengths, few enough that the order stays random
#: and nothing as long as the set is in memory.
SORTED = 50
_HALF = np.uint64(32)
_MASK = (1 << 64) - 1


class Permutation:
    """A permutation of the numbers below `length`, different for every seed and epoch.

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
        """Maps places, int64 of one axis and each below `length`, to their numbers, int64 of the same shape."""
        numbers = self._scatter(places.astype(np.uint64))
        outside = np.flatnonzero(numbers >= self.length)
        while len(outside):
            numbers[outside] = self._scatter(numbers[outside])
            outside = outside[numbers[outside] >= self.length]
        return numbers.astype(np.int64)

    def _scatter(self, numbers: np.ndarray) -> np.ndarray:
        """Makes one pass through the network, on numbers anywhere in the grid."""
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


class LengthSampler(EpochSampler):
    """Every sample once, in steps that are sorted by length.

    The order of :class:`EpochSampler` is cut into parts of `together` steps; each part is sorted by length and cut into
    steps, which come in random order. Parts of one step leave each step its samples; parts of many make steps of
    like length, which saves padding, but a step is then no fair sample: as each divides by its own labels, tokens
    of short samples weigh more than those of long ones. The rest, an incomplete last step, is not sorted: it may
    be dropped, and must not always hold the longest. The split of a step into micro-batches and processes changes
    nothing.

    lengths: of each sample; step: samples of an optimizer step; together: steps sorted together.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray, seed: int, step: int, together: int = SORTED):
        super().__init__(len(lengths), seed)
        self.lengths = np.asarray(lengths)
        self.step, self.together = step, together

    def __iter__(self) -> Iterator[int]:
        order = Permutation(self.length, self.seed, self.epoch)
        whole = self.length - self.length % self.step
        for start in range(0, whole, self.step * self.together):
            part = order(np.arange(start, min(start + self.step * self.together, whole)))
            steps = part[np.argsort(self.lengths[part], kind="stable")].reshape(-1, self.step)
            by_chance = Permutation(len(steps), self.seed + 1 + start, self.epoch)
            yield from steps[by_chance(np.arange(len(steps)))].ravel().tolist()
        yield from order(np.arange(whole, self.length)).tolist()


def epoch_sampler(samples: SampleSet, seed: int, step: int) -> EpochSampler:
    """Makes the sampler of a set, by length where it has ``lengths``. step: samples of an optimizer step."""
    lengths = getattr(samples, "lengths", None)
    if lengths is None:
        return EpochSampler(len(samples), seed)
    return LengthSampler(lengths, seed, step, SORTED if getattr(samples, "group_by_length", False) else 1)


class EpochBatches(Sampler[list[int]]):
    """One process's share of an epoch's batches; together the shares hold every sample once.

    The order is cut into pieces of `processes` batches, and each process has its batch of each piece. In the
    last piece batches may be short or empty: then a process takes part in the step without a sample.
    drop_last: a last piece that is not full is left out, in all processes alike.
    """

    def __init__(
        self, sampler: EpochSampler, batch_size: int, process: int = 0, processes: int = 1, drop_last: bool = False
    ):
        self.sampler = sampler
        self.batch_size = batch_size
        self.process = process
        self.processes = processes
        self.drop_last = drop_last

    def set_epoch(self, epoch: int) -> None:
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size * self.processes)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        order, first = iter(self.sampler), self.process * self.batch_size
        for _ in range(len(self)):
            piece = list(islice(order, self.batch_size * self.processes))
            yield piece[first : first + self.batch_size]


class EpochLoader(DataLoader):
    """A loader that hands on the epoch's number, which transformers' Trainer gives it, to its batches."""

    def set_epoch(self, epoch: int) -> None:
        batches: Any = self.batch_sampler
        batches.set_epoch(epoch)
