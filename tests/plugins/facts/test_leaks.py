from __future__ import annotations

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.draws import hash_rows
from jepa_core.samples.sample_set import TaskData
from jepa_plugins.facts import alike
from jepa_plugins.facts.leaks import check_leaks, fact_in_words, reverse_all
from jepa_plugins.facts.roles import from_spans
from jepa_plugins.facts.task import task_of_facts
from tests.plugins.facts.specimen import TOKENS
from tests.support import vocabulary as make_vocabulary

VOCABULARY = make_vocabulary(TOKENS, (10, 11), mask_id=9, pad_id=12, inverse_ids=(11, 10))
FORWARD, BACKWARD = [[0], [10], [9], [1, 2]], [[1, 2], [11], [9], [0]]
ATOMIC, HELD_OUT = [[3], [10], [9], [4, 5, 6]], [[4, 5, 6], [11], [9], [3]]


def task(train, types, test) -> TaskData:
    facts = [from_spans(spans, 12) for spans in (train, test)]
    return task_of_facts(VOCABULARY, facts[0], torch.tensor(types), {"test": facts[1]})


def test_a_clean_task():
    check_leaks(task([FORWARD, BACKWARD, ATOMIC], [0, 0, 1], [HELD_OUT]), "train", "test")


def test_a_planted_test_fact_is_found_whatever_the_padding():
    planted = task([FORWARD, BACKWARD], [0, 0], [HELD_OUT, BACKWARD])
    with pytest.raises(DataError, match=r"^test: item 1: .* but '<w_1> <w_2>' '<r_inv>' '<w_0>' is in .*: item 1$"):
        check_leaks(planted, "train", "test")


def test_of_facts_that_share_a_hash_the_tokens_decide(monkeypatch):
    monkeypatch.setattr(alike, "hash_rows", lambda ids, select: hash_rows(ids, select) * np.uint64(0))
    check_leaks(task([FORWARD, BACKWARD, ATOMIC], [0, 0, 1], [HELD_OUT]), "train", "test")
    with pytest.raises(DataError, match=r"^train: item 0: type: .*: item 2$"):
        check_leaks(task([ATOMIC, FORWARD, HELD_OUT], [1, 0, 1], []), "train", "test")


@pytest.mark.parametrize("kind", [0, 1])
def test_a_planted_reverse_of_an_atomic_fact_is_found(kind):
    with pytest.raises(DataError, match=r"^train: item 0: type: .* '<w_3>' '<r>' '<w_4> <w_5> <w_6>' .*: item 2$"):
        check_leaks(task([ATOMIC, FORWARD, HELD_OUT], [1, 0, kind], []), "train", "test")


def test_the_same_entities_under_another_relation_are_no_leak():
    tokens = {**TOKENS, "<s>": 13, "<s_inv>": 14}
    vocabulary = make_vocabulary(tokens, (10, 11, 13, 14), 9, 12, inverse_ids=(11, 10, 14, 13))
    train = from_spans([ATOMIC, [HELD_OUT[0], [14], [9], HELD_OUT[3]]], 12)
    test = from_spans([HELD_OUT], 12)
    check_leaks(task_of_facts(vocabulary, train, torch.tensor([1, 0]), {"test": test}), "train", "test")


def test_reversing_by_the_vocabulary():
    facts = from_spans([FORWARD, BACKWARD], 12)
    assert reverse_all(facts, VOCABULARY).ids.tolist() == facts.ids.flip(0).tolist()


def test_a_fact_in_words():
    assert fact_in_words(task([ATOMIC], [1], []).train, 0, VOCABULARY) == "'<w_3>' '<r>' '<w_4> <w_5> <w_6>'"
