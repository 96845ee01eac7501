"""Repeats and leaks, with the hash as it is and with one under which nearly all facts collide."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.sample_set import TaskData
from jepa_plugins.facts import alike, store_checks
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.roles import SampleType, from_spans
from jepa_plugins.facts.store_checks import CheckedSets
from tests.plugins.facts.specimen import TOKENS
from tests.support import vocabulary as make_vocabulary

VOCABULARY = make_vocabulary(TOKENS, (10, 11), mask_id=9, pad_id=12, inverse_ids=(11, 10))
FORWARD, BACKWARD = [[0], [10], [9], [1, 2]], [[1, 2], [11], [9], [0]]
ATOMIC, HELD_OUT = [[3], [10], [9], [4, 5, 6]], [[4, 5, 6], [11], [9], [3]]


@pytest.fixture(params=["hash", "colliding", "one hash", "in parts"], autouse=True)
def trouble(request, monkeypatch):
    """Makes trouble that must not change any answer: collisions, and more facts than are held at once."""
    stock = alike.hash_rows
    if request.param == "colliding":
        monkeypatch.setattr(alike, "hash_rows", lambda *a: stock(*a) % np.uint64(3))
    if request.param == "one hash":
        monkeypatch.setattr(alike, "hash_rows", lambda *a: stock(*a) * np.uint64(0))
    if request.param == "in parts":
        monkeypatch.setattr(store_checks, "KEYS", 2)
        monkeypatch.setattr(alike, "FACTS", 2)


def sets(train, types, test) -> CheckedSets:
    facts = [from_spans(spans, 12) for spans in (train, test)]
    return CheckedSets(
        FactSet(facts[0], torch.tensor(types)),
        FactSet(facts[1], torch.full((len(test),), int(SampleType.TEST))),
        VOCABULARY,
        "train",
        "test",
    )


def test_a_clean_task():
    assert sets([FORWARD, BACKWARD, ATOMIC], [0, 0, 1], [HELD_OUT]).repeats().tolist() == []


def test_repeats_are_all_but_the_first():
    train = [FORWARD, ATOMIC, FORWARD, BACKWARD, ATOMIC, FORWARD]
    assert sets(train, [0, 1, 0, 0, 1, 0], [HELD_OUT]).repeats().tolist() == [2, 4, 5]


def test_a_planted_test_fact_is_found():
    with pytest.raises(
        DataError, match=r"^test: item 1: .* but '<w_1> <w_2>' '<r_inv>' '<w_0>' is in .*: train: item 1$"
    ):
        sets([FORWARD, BACKWARD], [0, 0], [HELD_OUT, BACKWARD]).repeats()


@pytest.mark.parametrize("kind", [0, 1])
def test_a_planted_reverse_of_an_atomic_fact_is_found(kind):
    with pytest.raises(DataError, match=r"^train: item 0: type: .* '<w_3>' '<r>' '<w_4> <w_5> <w_6>' is .*: item 2$"):
        sets([ATOMIC, FORWARD, HELD_OUT], [1, 0, kind], []).repeats()


def test_a_fact_has_one_type():
    with pytest.raises(
        DataError,
        match=r"^train: item 2: type: expected 'atomic', as '<w_3>' '<r>' .* has in item 1, not 'train'$",
    ):
        sets([FORWARD, ATOMIC, ATOMIC], [0, 1, 0], []).repeats()


def test_against_sets_of_python():
    """Random facts of few tokens, many of them repeated; the slow check decides whether anything leaks."""
    rng = random.Random(4)
    for _ in range(60):
        size = rng.randrange(1, 12)

        def span() -> list:
            return [
                [rng.randrange(3)],
                [rng.choice((10, 11))],
                [9],
                [rng.randrange(3) for _ in range(rng.choice((1, 2)))],
            ]

        train = [span() for _ in range(size)]
        atomic = {str(fact) for fact in train if rng.random() < 0.3}
        types = [int(str(fact) in atomic) for fact in train]
        test = [span() for _ in range(rng.randrange(2))]
        checked = sets(train, types, test)
        if (leak := first_leak(train, types, test)) is None:
            assert checked.repeats().tolist() == [i for i, fact in enumerate(train) if fact in train[:i]]
            check_leaks(task_of(checked), "train", "test")
            continue
        for check in (checked.repeats, partial(check_leaks, task_of(checked), "train", "test")):
            with pytest.raises(DataError, match=f"^{leak}: ") as error:
                check()
            assert "is in the training set" in str(error.value)


def first_leak(train: list, types: list[int], test: list) -> str | None:
    """The first leak, by comparing every fact with every other."""
    for number, fact in enumerate(test):
        if fact in train:
            return f"test: item {number}"
    for number, (head, (relation,), mask, tail) in enumerate(train):
        if types[number] and [tail, [{10: 11, 11: 10}[relation]], mask, head] in train:
            return f"train: item {number}"
    return None


def task_of(checked: CheckedSets) -> TaskData:
    return TaskData(checked.train, {"test": checked.test}, VOCABULARY)
