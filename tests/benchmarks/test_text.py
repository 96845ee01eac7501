"""The tokens that each layout of text pairs runs, by hand, and the proof that what is timed computes the same."""

from __future__ import annotations

import pytest
import torch

from benchmarks.text import TINY, K, batches, built, operations, ways
from benchmarks.text_times import timed
from jepa_core.training.sampler import epoch_sampler

LENGTHS = [(30, 10), (12, 20), (5, 4), (14, 17)]


@pytest.fixture(scope="module")
def run():
    with built(LENGTHS, TINY) as made:
        yield made


def test_a_row_has_the_pair_the_predictor_and_the_answer_again(run):
    plan = run.objective.plan(run.train_dataset.__getitems__(range(4)))
    assert plan.tokens == sum(q + a + K + a for q, a in LENGTHS)
    assert plan.labels == sum(a for _, a in LENGTHS)


def test_ways_by_hand(run):
    found = ways(LENGTHS[:2], run.objective.plan(run.train_dataset.__getitems__([0, 1])))
    assert found["ours, one row a pair"][0] == ((2, 40 + K + 20),)
    assert found["three passes"] == (((2, 40), (2, 31), (2, 20)), 2 * 40)
    assert found["public"] == (((6, 512),), 6 * 512)
    assert found["public, additive masks"] == (((4, 512),), 4 * 512)


def test_batches_are_those_of_an_epoch(run):
    """The batches are 40, 32, 9 and 31 tokens long."""
    found = batches(run, size=2, count=2)
    order = list(epoch_sampler(run.train_dataset, 0, 2))
    assert sorted(found) == sorted([order[:2], order[2:]])
    total = [sum(sum(LENGTHS[row]) for row in rows) for rows in found]
    assert total == sorted(total)


def test_what_is_timed_has_one_gradient(run):
    found = {}
    for name, call in timed(run, run.train_dataset.__getitems__(range(4)), 64).items():
        call()
        found[name] = torch.cat([weight.grad.flatten() for weight in run.objective.model.parameters()])
    assert set(found) == {"ours", "three passes", "public, additive masks", "public"}
    for name, gradient in found.items():
        assert float((gradient - found["ours"]).norm() / found["ours"].norm()) < 1e-5, name


def test_operations_grow_with_rows_and_with_logits():
    one, two, none = operations(((1, 8),), 8), operations(((2, 8),), 16), operations(((1, 8),), 0)
    assert two == 2 * one
    width, vocabulary = 2048, 128_256
    assert one - none == 6 * 8 * width * vocabulary
