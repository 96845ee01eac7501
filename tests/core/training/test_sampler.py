"""The order of an epoch: a permutation, without structure, the same for everybody."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from accelerate import skip_first_batches
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, DataLoader

from jepa_core.training import sampler as module
from jepa_core.training.sampler import (
    EpochBatches,
    EpochLoader,
    EpochSampler,
    LengthSampler,
    Permutation,
    epoch_sampler,
)


def order(length: int, seed: int = 0, epoch: int = 0) -> np.ndarray:
    return Permutation(length, seed, epoch)(np.arange(length))


@pytest.mark.parametrize("length", [*range(1, 130), 255, 256, 257, 4095, 4096, 4097, 99_991, 1 << 17, 300_000])
def test_every_number_once(length):
    assert np.array_equal(np.sort(order(length, seed=length)), np.arange(length))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20_000), st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**40))
def test_every_number_once_for_any_seed_and_epoch(length, seed, epoch):
    assert np.array_equal(np.sort(order(length, seed, epoch)), np.arange(length))


@pytest.mark.parametrize("length", [10**8, 10**12, 2**40 + 1])
def test_parts_of_an_order_too_long_to_be_held(length):
    places = np.array([0, 1, 2, length // 2, length - 2, length - 1])
    found = Permutation(length, 1, 2)(places)
    assert len(set(found.tolist())) == 6
    assert found.min() >= 0
    assert found.max() < length
    one_by_one = [int(Permutation(length, 1, 2)(np.array([place]))[0]) for place in places]
    assert found.tolist() == one_by_one


def test_the_order_is_fixed_for_good():
    """A run that goes on under a later version must not read in another order."""
    assert order(10, seed=42).tolist() == [5, 8, 4, 3, 0, 1, 6, 9, 2, 7]
    assert Permutation(10**9, 42, 3)(np.arange(3)).tolist() == [733338785, 615438917, 161393342]


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [order(1000, seed, epoch) for seed in range(4) for epoch in range(4)]
    for one, other in itertools.combinations(orders, 2):
        assert (one == other).sum() < 10  # one is expected


def chi_square(counts: np.ndarray, expected: float) -> float:
    """The distance of the statistic from what chance gives, in standard deviations."""
    freedom = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / math.sqrt(2 * freedom))


@pytest.mark.parametrize("length", [5, 10, 25])
def test_over_epochs_every_sample_comes_at_every_place_and_after_every_other(length):
    epochs = 600
    orders = np.stack([order(length, 7, epoch) for epoch in range(epochs)])
    for place in (0, length // 2, length - 1):
        assert abs(chi_square(np.bincount(orders[:, place], minlength=length), epochs / length)) < 5
    first, last = orders[:, 0], orders[:, -1]
    different = ~np.eye(length, dtype=bool)
    pairs = np.bincount(first * length + last, minlength=length**2).reshape(length, length)
    assert abs(chi_square(pairs[different], epochs / (length * (length - 1)))) < 5
    follows = np.bincount((orders[:, :-1] * length + orders[:, 1:]).ravel(), minlength=length**2)
    assert abs(chi_square(follows.reshape(length, length)[different], epochs / length)) < 5


@pytest.mark.parametrize("length", [65_536, 100_000, 131_073])
def test_within_an_epoch_there_is_no_structure(length):
    """The place of a sample says nothing about its number or its neighbour's; within five deviations."""
    found = order(length, seed=3).astype(float)
    places = np.arange(length)
    deviation = 1 / math.sqrt(length)
    assert abs(np.corrcoef(places, found)[0, 1]) < 5 * deviation
    for step in (1, 2, 64, 256):
        assert abs(np.corrcoef(found[:-step], found[step:])[0, 1]) < 5 * deviation
    displacement = np.abs(found - places).mean() / length
    assert displacement == pytest.approx(1 / 3, abs=5 * 0.24 * deviation)
    other = order(length, seed=3, epoch=1)
    assert abs(np.corrcoef(found, other)[0, 1]) < 5 * deviation
    low_bits = np.bincount((found[: length // 2] % 64).astype(int), minlength=64)
    assert abs(chi_square(low_bits, length / 2 / 64)) < 5


def test_a_batch_is_like_one_drawn_at_random():
    """Each block as long as a batch has its share of every tenth of the set."""
    found = order(64_000, seed=5).reshape(-1, 64) // 6400
    counts = np.stack([np.bincount(batch, minlength=10) for batch in found])
    assert counts.var(axis=0).mean() == pytest.approx(64 * 0.1 * 0.9, rel=0.1)


def test_the_sampler_reads_the_order_block_by_block(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 16)
    sampler = EpochSampler(50, seed=9)
    assert len(sampler) == 50
    assert list(sampler) == order(50, 9, 0).tolist()
    assert list(sampler) == order(50, 9, 0).tolist()
    sampler.set_epoch(1)
    assert list(sampler) == order(50, 9, 1).tolist()
    assert all(type(index) is int for index in sampler)


def test_the_first_index_of_a_huge_set_needs_no_memory_for_the_others():
    indices = iter(EpochSampler(10**15, seed=0))
    assert len({next(indices) for _ in range(10_000)}) == 10_000


class Numbers(torch.utils.data.Dataset):
    def __init__(self, length: int):
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitems__(self, rows: list[int]) -> list[int]:
        return rows


def loader(processes: int = 1, process: int = 0, length: int = 50) -> EpochLoader:
    """Batches of four."""
    batches = EpochBatches(EpochSampler(length, seed=1), 4, process, processes)
    return EpochLoader(Numbers(length), batch_sampler=batches, collate_fn=list)


def read(found: DataLoader, epoch: int) -> list[list[int]]:
    """Reads batches as the `_run_epoch` of transformers' Trainer does."""
    if hasattr(found, "set_epoch"):
        found.set_epoch(epoch)
    inner = getattr(found.batch_sampler, "batch_sampler", None)
    if hasattr(inner, "set_epoch"):
        inner.set_epoch(epoch)
    return list(found)


def batches(epoch: int) -> list[list[int]]:
    return list(BatchSampler(order(50, 1, epoch).tolist(), 4, drop_last=False))


@pytest.mark.parametrize("epoch", [0, 3])
def test_a_loader_reads_an_epochs_order(epoch):
    assert read(loader(), epoch) == batches(epoch)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 7, 8, 9, 24, 25, 31, 50])
@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_processes_have_every_sample_once_and_equally_many_batches(processes, length):
    """accelerate would have samples twice, to make the last batches full."""
    parts = [read(loader(processes, process, length), 3) for process in range(processes)]
    joined = [index for pieces in zip(*parts, strict=True) for batch in pieces for index in batch]
    assert joined == order(length, 1, 3).tolist()  # and in the order of one process
    assert {len(part) for part in parts} == {len(loader(processes, 0, length))}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("epoch", [0, 3])
def test_a_resumed_epoch_goes_on_where_it_was(processes, epoch):
    for process in range(processes):
        whole = read(loader(processes, process), epoch)
        assert read(skip_first_batches(loader(processes, process), 4), epoch) == whole[4:]


#: Of 1,030 samples: with a step of 8 there are 128 whole steps in three parts, and six samples are left.
LENGTHS = np.random.default_rng(0).geometric(0.05, 1030)


def by_length(epoch: int = 0, step: int = 8) -> LengthSampler:
    found = LengthSampler(LENGTHS, seed=3, step=step)
    found.set_epoch(epoch)
    return found


@pytest.mark.parametrize(("length", "step"), [(0, 4), (1, 4), (4, 4), (7, 4), (1030, 8), (1030, 1), (300, 299)])
def test_by_length_every_sample_comes_once(length, step):
    sampler = LengthSampler(LENGTHS[:length], seed=1, step=step)
    assert sorted(sampler) == list(range(length))
    assert len(sampler) == length


def test_a_step_has_samples_of_like_length():
    steps = LENGTHS[np.array(list(by_length()))[:1024]].reshape(128, 8)
    chance = LENGTHS[order(1030, 3)[:1024]].reshape(128, 8)
    assert steps.sum() / (steps.max(axis=1) * 8).sum() > 0.9 > 0.5 > chance.sum() / (chance.max(axis=1) * 8).sum()
    parts = [set(order(1030, 3)[start : min(start + 400, 1024)].tolist()) for start in (0, 400, 800)]
    found = list(by_length())
    assert [set(found[start : min(start + 400, 1024)]) for start in (0, 400, 800)] == parts


def test_steps_of_like_length_come_in_no_order():
    means = LENGTHS[np.array(list(by_length()))[:400]].reshape(50, 8).mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(50))[0, 1]) < 0.5
    assert (np.diff(means) > 0).sum() in range(15, 35)


def test_what_is_left_for_a_short_step_is_not_sorted():
    """Else the longest would always be dropped with it."""
    assert list(by_length())[1024:] == order(1030, 3)[1024:].tolist()


def test_each_epoch_has_steps_of_its_own():
    orders = [list(by_length(epoch)) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    together = [{frozenset(found[i : i + 8]) for i in range(0, 1024, 8)} for found in orders]
    assert len(together[0] & together[1]) < 3


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_and_micro_batches_divide_the_same_steps(processes):
    """A step of 8: one process in micro-batches of four, two of two each, four of one each."""
    size = 4 // processes
    parts = [list(EpochBatches(by_length(2), size, process, processes)) for process in range(processes)]
    joined = [index for pieces in zip(*parts, strict=True) for batch in pieces for index in batch]
    assert joined == list(by_length(2))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_resumed_epoch_by_length_goes_on_where_it_was(processes):
    for process in range(processes):
        parts = [EpochBatches(by_length(), 4, process, processes) for _ in range(2)]
        whole, resumed = (EpochLoader(Numbers(1030), batch_sampler=part, collate_fn=list) for part in parts)
        assert read(skip_first_batches(resumed, 57), 2) == read(whole, 2)[57:]


def test_a_set_that_tells_no_lengths_keeps_its_order():
    class Told(Numbers):
        lengths = torch.from_numpy(LENGTHS)

    assert list(epoch_sampler(Numbers(50), 9, 8)) == order(50, 9).tolist()
    assert type(epoch_sampler(Numbers(50), 9, 8)) is EpochSampler
    assert list(epoch_sampler(Told(1030), 3, 8)) == list(LengthSampler(LENGTHS, 3, 8, together=1))
    Told.group_by_length = True
    assert list(epoch_sampler(Told(1030), 3, 8)) == list(by_length())


def test_a_step_keeps_its_samples_and_sorts_them():
    """Micro-batches are of like length then, and a step is drawn as ever."""
    found = np.array(list(LengthSampler(LENGTHS, seed=3, step=8, together=1)))[:1024].reshape(128, 8)
    chance = order(1030, 3)[:1024].reshape(128, 8)
    assert np.array_equal(np.sort(found), np.sort(chance))
    assert (np.diff(LENGTHS[found]) >= 0).all()


def test_the_order_by_length_is_fixed_for_good():
    assert list(LengthSampler([3, 1, 2, 9, 5, 4, 8, 7, 6, 0], seed=42, step=2)) == [2, 0, 6, 3, 8, 7, 5, 4, 9, 1]
