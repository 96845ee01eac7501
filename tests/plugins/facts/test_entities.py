"""Which entities a task has, whatever the shape of their names."""

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.samples import Role
from jepa_plugins.facts import entities as module
from jepa_plugins.facts.entities import Entities, facts_of
from tests.support import SAMPLES, small_set


def named(entities: Entities) -> list[list[int]]:
    return [ids[valid].tolist() for ids, valid in zip(entities.names.ids, entities.names.valid, strict=True)]


def test_every_name_once_heads_and_tails():
    expected = {tuple(name) for head, _, _, tail, _ in SAMPLES for name in (head, tail)}
    found = named(Entities.of([small_set()]))
    assert len(found) == len(expected) == 8
    assert {tuple(name) for name in found} == expected


def test_names_are_tails_alone():
    names = Entities.of([small_set()]).names
    assert set(names.roles[names.valid].tolist()) == {Role.TAIL}


def test_of_several_sets_read_in_parts(monkeypatch):
    whole = Entities.of([small_set()])
    monkeypatch.setattr(module, "_PART", 2)
    parts = Entities.of([small_set(SAMPLES[:3]), small_set(SAMPLES[3:])])
    assert named(parts) == named(whole)
    assert [len(facts) for facts in facts_of([small_set()])] == [2, 2, 1]


def test_index_finds_each_name_in_head_and_tail():
    entities, facts = Entities.of([small_set()]), small_set().facts
    names = named(entities)
    for role, place in ((Role.HEAD, 0), (Role.TAIL, 3)):
        found = entities.index(facts.ids, facts.roles == role)
        assert [names[i] for i in found.tolist()] == [sample[place] for sample in SAMPLES]


def test_a_beginning_of_a_name_is_another_name():
    entities = Entities.of([small_set()])
    with pytest.raises(DataError, match=r"tokens \[9, 10\] name no entity"):
        entities.index(torch.tensor([[9, 10, 11]]), torch.tensor([[True, True, False]]))
