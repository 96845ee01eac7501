"""Finding the entities of a task, whatever the shape of their names."""

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.candidates import Candidates
from jepa_plugins.facts import entities as module
from jepa_plugins.facts.entities import entities_of, facts_of
from jepa_plugins.facts.roles import Role
from tests.support import SAMPLES, small_set


def named(entities: Candidates) -> list[list[int]]:
    return [ids[valid].tolist() for ids, valid in zip(entities.samples.ids, entities.samples.valid, strict=True)]


def test_every_name_once_heads_and_tails():
    expected = {tuple(name) for head, _, _, tail, _ in SAMPLES for name in (head, tail)}
    found = named(entities_of([small_set()]))
    assert len(found) == len(expected) == 8
    assert {tuple(name) for name in found} == expected


def test_names_are_tails_alone():
    names = entities_of([small_set()]).samples
    assert set(names.tags[names.valid].tolist()) == {Role.TAIL}


def test_of_several_sets_read_in_parts(monkeypatch):
    whole = entities_of([small_set()])
    monkeypatch.setattr(module, "_PART", 2)
    parts = entities_of([small_set(SAMPLES[:3]), small_set(SAMPLES[3:])])
    assert named(parts) == named(whole)
    assert [len(facts) for facts in facts_of([small_set()])] == [2, 2, 1]


def test_index_finds_each_name_in_head_and_tail():
    entities, facts = entities_of([small_set()]), small_set().facts
    names = named(entities)
    for role, place in ((Role.HEAD, 0), (Role.TAIL, 3)):
        found = entities.index(facts.ids, facts.tags == role)
        assert [names[i] for i in found.tolist()] == [sample[place] for sample in SAMPLES]


def test_a_beginning_of_a_name_is_another_name():
    entities = entities_of([small_set()])
    with pytest.raises(DataError, match=r"tokens \[9, 10\] name no candidate of the task"):
        entities.index(torch.tensor([[9, 10, 11]]), torch.tensor([[True, True, False]]))
