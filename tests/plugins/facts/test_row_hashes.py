from __future__ import annotations

import numpy as np
import torch

from jepa_core.samples import draws
from jepa_plugins.facts.row_hashes import hash_rows, mix


def test_the_published_generator():
    """The first outputs of SplitMix64 with seed 1234567 (Vigna's reference code)."""
    states = np.uint64(1234567) + np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert mix(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_the_same_function_as_in_torch():
    numbers = torch.randint(-(2**63), 2**63 - 1, (100,), generator=torch.Generator().manual_seed(0))
    assert mix(numbers.numpy().view(np.uint64)).view(np.int64).tolist() == draws.mix(numbers).tolist()


def test_inputs_stay_as_they_were():
    numbers = np.arange(5, dtype=np.uint64)
    mix(numbers)
    assert numbers.tolist() == [0, 1, 2, 3, 4]


def test_rows_are_told_apart_by_their_real_tokens_only():
    ids = np.array([[1, 2, 3, 9], [1, 2, 3, 0], [1, 2, 3, 4], [2, 1, 3, 9], [1, 2, 9, 9], [0, 0, 0, 0]])
    real = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    hashes = hash_rows(ids, real)
    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 5
    assert hash_rows(ids[:1, :3], real[:1, :3])[0] == hashes[0]  # whatever the padding


def test_a_million_different_rows_have_different_hashes():
    ids = np.stack([np.arange(1_000_000) // 1000, np.arange(1_000_000) % 1000], axis=1)
    assert len(np.unique(hash_rows(ids, np.ones_like(ids, dtype=bool)))) == 1_000_000
