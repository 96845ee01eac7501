"""Random numbers without state: a hash of what they are for.

The same (seed, step, sample index) gives the same draw in any batch, on any rank, before and after a
resume; nothing has to be saved. Drawn on the host, where a step is planned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_WORD = (1 << 64) - 1


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's output function, of uint64 of any shape: a bijection that scatters (Steele, Lea and Flood 2014,
    "Fast splittable pseudorandom number generators")."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def uniform(seed: int, step: int, index: Tensor, stream: int = 0) -> Tensor:
    """``b`` float64 in [0, 1), one for each sample index ``b`` int64; streams are independent of each other."""
    bits = mix(_start(seed, stream, step) + index.numpy().view(np.uint64)) >> np.uint64(11)
    return torch.from_numpy(bits.astype(np.float64) / (1 << 53))


def sequence_ids(ids: Tensor, select: Tensor) -> Tensor:
    """``n`` int64, equal just where rows select the same tokens in the same order, but for collisions (2⁻⁶⁴).

    ids: ``n s`` int64, on the host; select: ``n s`` bool.
    """
    return torch.from_numpy(hash_rows(ids.numpy(), select.numpy()).view(np.int64))


def hash_rows(ids: np.ndarray, select: np.ndarray) -> np.ndarray:
    """``n`` uint64: :func:`sequence_ids` of numpy arrays of any integers."""
    state = np.zeros(len(ids), dtype=np.uint64)
    for column, chosen in zip(ids.T.astype(np.uint64), select.T, strict=True):
        state = np.where(chosen, mix(state) + column + np.uint64(1), state)
    return mix(state)


@dataclass(frozen=True)
class Draws:
    """The random numbers of a component in a step.

    Called with the number of a draw, returns it for each sample, ``n`` float64 in [0, 1). index: ``n``, the samples'
    indices; stream: tells components apart.

    >>> draws = Draws(seed=1, step=0, index=torch.tensor([5, 6]), stream=0)
    >>> bool((draws(0) == Draws(1, 0, torch.tensor([6, 5]), 0)(0).flip(0)).all())
    True
    """

    seed: int
    step: int
    index: Tensor
    stream: int = 0

    def __call__(self, number: int = 0) -> Tensor:
        return uniform(self.seed, self.step, self.index, (number << 16) + self.stream)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of this shape, the same for all samples of the step and in every process."""
        generator = torch.Generator().manual_seed(int(_start(self.seed, self.stream, self.step)) >> 1)
        return torch.randn(*shape, generator=generator)


def _start(seed: int, stream: int, step: int) -> np.uint64:
    state = seed & _WORD
    for key in (stream, step):
        state = _mixed(state) + key & _WORD
    return np.uint64(_mixed(state))


def _mixed(x: int) -> int:
    """:func:`mix` of one number, for which numpy is slow."""
    x = x + 0x9E3779B97F4A7C15 & _WORD
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _WORD
    return x ^ x >> 31
