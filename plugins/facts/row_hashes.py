"""Hashes of numbers and of rows, without state."""

from __future__ import annotations

import numpy as np


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's output function, of uint64 of any shape: a bijection that scatters.

    As :func:`jepa_core.samples.draws.mix`, at a third of its time (numpy has unsigned integers).
    """
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def hash_rows(ids: np.ndarray, real: np.ndarray) -> np.ndarray:
    """``n`` uint64, equal for rows of the same real tokens in the same order, whatever the padding.

    ids: ``n s`` integers; real: ``n s`` bool. Rows that differ have equal hashes with probability 2⁻⁶⁴.
    """
    state = np.zeros(len(ids), dtype=np.uint64)
    for column, is_real in zip(ids.T.astype(np.uint64), real.T, strict=True):
        state = np.where(is_real, mix(state) + column + np.uint64(1), state)
    return mix(state)
