"""Random numbers without state: a hash of what they are for.

The same (seed, step, sample index) gives the same draw in any batch, on any rank, before and after a
resume; nothing has to be saved.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Constants of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"),
# as signed 64-bit integers; int64 arithmetic in torch wraps around as it must here.
_GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)
_MUL_1 = 0xBF58476D1CE4E5B9 - (1 << 64)
_MUL_2 = 0x94D049BB133111EB - (1 << 64)
_WORD = (1 << 64) - 1


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """A logical shift; torch's own copies the sign bit."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix(x: Tensor) -> Tensor:
    """SplitMix64's output function, of int64 of any shape: a bijection that scatters."""
    x = x + _GAMMA
    x = (x ^ _shift_right(x, 30)) * _MUL_1
    x = (x ^ _shift_right(x, 27)) * _MUL_2
    return x ^ _shift_right(x, 31)


def uniform(seed: int, step: int, index: Tensor, stream: int = 0) -> Tensor:
    """``b`` float64 in [0, 1), one for each sample index ``b``; streams are independent of each other."""
    state = seed & _WORD
    for key in (stream, step):  # one number for all samples, so plain integers, at a tenth of tensors' time
        state = (_mix_integer(state) + key) & _WORD
    start = _mix_integer(state)
    return _shift_right(mix(index + (start - (start >> 63 << 64))), 11).double() / (1 << 53)


def _mix_integer(x: int) -> int:
    """:func:`mix` of one integer from 0 to 2⁶⁴ - 1."""
    x = (x + _GAMMA) & _WORD
    x = ((x ^ (x >> 30)) * _MUL_1) & _WORD
    x = ((x ^ (x >> 27)) * _MUL_2) & _WORD
    return x ^ (x >> 31)


def sequence_ids(ids: Tensor, select: Tensor) -> Tensor:
    """``n`` int64, equal for rows that select the same tokens in the same order (but for hash collisions).

    ids: ``n s``; select: ``n s`` bool.
    """
    state = torch.zeros_like(ids[:, 0])
    for column in range(ids.shape[1]):
        state = torch.where(select[:, column], mix(state) + ids[:, column] + 1, state)
    return mix(state)
