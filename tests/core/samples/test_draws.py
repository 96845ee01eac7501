"""Stateless draws against plain Python integers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jepa_core.samples.draws import Draws, hash_rows, mix, sequence_ids, uniform

WORD = (1 << 64) - 1


def python_mix(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def test_mix_is_splitmix64():
    """Against unbounded integers, and the published first output for the seed 0."""
    values = [0, 1, 2, 12345, -1, -(1 << 63), (1 << 63) - 1]
    words = np.array([x & WORD for x in values], dtype=np.uint64)
    before = words.copy()
    assert mix(words).tolist() == [python_mix(x & WORD) for x in values]
    assert words.tolist() == before.tolist(), "what is mixed stays as it was"
    assert int(mix(np.zeros(1, dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF


def test_a_draw_depends_on_seed_step_sample_and_stream_alone():
    index = torch.arange(1000)
    draws = uniform(1, 2, index)
    assert torch.equal(draws[500:], uniform(1, 2, index[500:]))
    assert torch.equal(draws.flip(0), uniform(1, 2, index.flip(0)))
    for other in (
        uniform(2, 2, index),
        uniform(1, 3, index),
        uniform(1, 2, index, stream=1),
        uniform(2, 1, index),
    ):
        assert not torch.isclose(draws, other).any()


def test_a_draw_by_hand():
    """The chain of seed, stream, step and index in plain integers; its upper 53 bits are the draw."""
    for seed, step, index, stream in ((0, 0, 0, 0), (42, 7, 123, 1), (-3, 10**6, (1 << 63) - 1, 2)):
        state = seed & WORD
        for key in (stream, step, index):
            state = (python_mix(state) + key) & WORD
        expected = (python_mix(state) >> 11) / (1 << 53)
        assert uniform(seed, step, torch.tensor([index]), stream).tolist() == [expected]


def test_draws_are_uniform():
    """1000 steps of 1000 samples: each tenth holds a tenth, within five standard deviations."""
    draws = torch.stack([uniform(0, step, torch.arange(1000)) for step in range(1000)])
    assert draws.min() >= 0
    assert draws.max() < 1
    counts = torch.histc(draws.float(), bins=10, min=0, max=1)
    assert (counts - 1e5).abs().max() < 5 * (1e6 * 0.1 * 0.9) ** 0.5
    neighbours = torch.corrcoef(torch.stack([draws[:, :-1].flatten(), draws[:, 1:].flatten()]))[0, 1]
    assert neighbours.abs() < 5e-3


def test_sequence_ids_see_tokens_and_their_order_only():
    ids = torch.tensor([[1, 2, 9], [8, 1, 2], [2, 1, 0], [1, 2, 0], [1, 2, 1]])
    select = torch.tensor([[1, 1, 0], [0, 1, 1], [1, 1, 0], [1, 1, 0], [1, 1, 1]]).bool()
    a, b, c, d, e = sequence_ids(ids, select).tolist()
    assert a == b == d
    assert len({a, c, e}) == 3


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


class TestDraws:
    """The draws that a component is given."""

    INDEX = torch.tensor([5, 0, 900, 7])

    def test_one_number_a_sample_in_zero_to_one(self):
        found = Draws(3, 2, self.INDEX, 255)()
        assert found.shape == (4,)
        assert found.dtype == torch.float64
        assert ((found >= 0) & (found < 1)).all()

    def test_by_hand(self):
        """Draw number n of stream s is that of stream s + n · 2¹⁶."""
        for number in (0, 1, 9):
            expected = uniform(3, 2, self.INDEX, stream=255 + number * 65536)
            assert torch.equal(Draws(3, 2, self.INDEX, 255)(number), expected)

    def test_they_go_with_the_sample_in_any_batch(self):
        whole = Draws(3, 2, self.INDEX, 1)
        order = torch.tensor([2, 0])
        part = Draws(3, 2, self.INDEX[order], 1)
        for number in (0, 1):
            assert torch.equal(part(number), whole(number)[order])

    def test_seed_step_stream_and_number_make_others(self):
        index = torch.arange(500)
        found = [
            draws(number)
            for draws in (Draws(1, 2, index), Draws(2, 2, index), Draws(1, 3, index), Draws(1, 2, index, 1))
            for number in (0, 1)
        ]
        for i, one in enumerate(found):
            for other in found[i + 1 :]:
                assert not torch.isclose(one, other).any()

    def test_normal_numbers_are_of_the_step_not_of_the_samples(self):
        one = Draws(1, 2, self.INDEX, 254).normal(40, 50)
        assert torch.equal(one, Draws(1, 2, torch.zeros(0, dtype=torch.int64), 254).normal(40, 50))
        for other in (Draws(2, 2, self.INDEX, 254), Draws(1, 3, self.INDEX, 254), Draws(1, 2, self.INDEX, 253)):
            assert not torch.isclose(other.normal(40, 50), one, atol=1e-6).any()
        assert abs(float(one.mean())) < 5 / 2000**0.5
        assert float(one.var()) == pytest.approx(1, abs=5 * (2 / 2000) ** 0.5)

    def test_the_global_generator_stays_as_it_was(self):
        state = torch.get_rng_state()
        draws = Draws(1, 2, self.INDEX)
        draws()
        draws.normal(3)
        assert torch.equal(torch.get_rng_state(), state)
