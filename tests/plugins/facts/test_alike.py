from __future__ import annotations

import numpy as np
import torch

from jepa_plugins.facts import alike
from jepa_plugins.facts.alike import Alike, fact_keys, facts_in_parts, hash_facts, keys_in
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import SampleType, from_spans

FORWARD, BACKWARD = [[0], [10], [9], [1, 2]], [[1, 2], [11], [9], [0]]
ATOMIC, HELD_OUT = [[3], [10], [9], [4, 5, 6]], [[4, 5, 6], [11], [9], [3]]


def test_keys_are_equal_for_equal_facts_only():
    wide = fact_keys(from_spans([FORWARD, HELD_OUT], 12))
    narrow = fact_keys(from_spans([FORWARD], 12))
    assert wide[0] == narrow[0]
    assert wide[0] != wide[1]
    assert fact_keys(from_spans([[[255], [10], [9], [255]]], 12)) != fact_keys(
        from_spans([[[255], [10], [9], [65_535]]], 12)
    )
    assert fact_keys(from_spans([], 12)) == []


def test_a_set_in_parts(monkeypatch):
    monkeypatch.setattr(alike, "FACTS", 3)
    data_set = FactSet(from_spans([FORWARD, ATOMIC] * 5, 12), torch.tensor([0, 1] * 5))
    rows = [row for numbers, _ in facts_in_parts(data_set) for row in numbers.tolist()]
    assert rows == list(range(10))
    atomic = [row for numbers, _ in facts_in_parts(data_set, SampleType.ATOMIC) for row in numbers.tolist()]
    assert atomic == [1, 3, 5, 7, 9]


def test_what_two_arrays_have_in_common():
    keys, ascending = np.array([5, 1, 9, 5], dtype=np.uint64), np.array([2, 5, 5, 9], dtype=np.uint64)
    assert keys_in(keys, ascending).tolist() == [5, 5, 9]
    assert keys_in(keys, ascending[:0]).tolist() == []
    assert keys_in(keys[:0], ascending).tolist() == []


def test_facts_alike_and_the_first_of_each():
    facts = from_spans([BACKWARD, FORWARD, ATOMIC, FORWARD, FORWARD], 12)
    found = Alike.among(FactSet(facts, torch.zeros(5, dtype=torch.int64)), hash_facts(from_spans([FORWARD], 12)))
    assert (found.rows.tolist(), found.firsts().tolist()) == ([1, 3, 4], [1, 1, 1])
    asked = iter([(np.array([7, 8]), from_spans([ATOMIC, FORWARD], 12))])
    assert list(found.with_equal(asked)) == [(8, 1), (8, 3), (8, 4)]
