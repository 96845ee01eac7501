"""Lookups in all facts of a task."""

import torch

from jepa_plugins.facts.entities import entities_of
from jepa_plugins.facts.known import Lookup, NumberedFacts
from tests.support import SAMPLES, small_set


def test_triples_number_entities_by_their_names():
    entities = entities_of([small_set()])
    triples = NumberedFacts.of_sets([small_set()], entities)
    names = [ids[valid].tolist() for ids, valid in zip(entities.samples.ids, entities.samples.valid, strict=True)]
    assert [names[i] for i in triples.heads.tolist()] == [sample[0] for sample in SAMPLES]
    assert [names[i] for i in triples.tails.tolist()] == [sample[3] for sample in SAMPLES]
    relations = triples.relations.tolist()
    assert len(set(relations)) == 5 == len({sample[1] for sample in SAMPLES})


def test_one_question_is_one_head_and_relation():
    samples = [([1], 17, 16, [2], "train"), ([1], 17, 16, [3], "train"), ([1], 18, 16, [2], "train")]
    samples += [([2], 17, 16, [2], "train")]
    data_set = small_set(samples)
    first, second, other, another = NumberedFacts.of_sets([data_set], entities_of([data_set])).questions.tolist()
    assert first == second
    assert len({first, other, another}) == 3


def test_marks_all_values_under_a_key():
    lookup = Lookup(torch.tensor([7, 3, 7, 5]), torch.tensor([1, 0, 4, 2]))
    found = lookup.mark(torch.tensor([7, 4, 3, 9]), entities=5)
    assert found.int().tolist() == [[0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_nothing_is_known():
    empty = torch.empty(0, dtype=torch.int64)
    assert not Lookup(empty, empty).mark(torch.tensor([1, 2]), entities=3).any()
