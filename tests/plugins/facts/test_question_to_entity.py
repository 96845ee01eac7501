"""The way from the question to the entity: its contract, the views of one fact by hand, and what leaks."""

import pytest
import torch

from jepa_core.components import ReversalTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.samples.samples import Samples
from jepa_core.testing import ReversalContract
from jepa_core.views.pairs import NewBlock, Part
from jepa_plugins.facts.lookup_reversal import LookupReversal
from jepa_plugins.facts.question_to_entity import QuestionToEntity, question_to_entity
from jepa_plugins.facts.roles import GROUPS, Role, from_spans
from tests.support import small_batch, small_model, small_objective
from tests.support import vocabulary as make_vocabulary

TABLE = LookupReversal({16001: 16002, 16002: 16001, 16003: 16004, 16004: 16003})


class TestQuestionToEntityContract(ReversalContract):
    def make(self):
        return QuestionToEntity()


class TestBothDirectionsContract(ReversalContract):
    groups = GROUPS

    def make(self):
        return QuestionToEntity(TABLE.inverse)


class TestAutoencodeContract(ReversalContract):
    def make(self):
        return QuestionToEntity(autoencode=True)


class TestApartContract(ReversalContract):
    def make(self):
        return QuestionToEntity(TABLE.inverse, apart=True)


FACTS = from_spans([[[11, 12], [16001], [0], [13, 14]], [[21], [16004], [0], [22]]], pad_id=9)


def test_the_target_is_the_tail_alone_and_costs_no_token():
    ((source, target),) = QuestionToEntity()(FACTS).pairs
    assert isinstance(source, Part)
    assert isinstance(target, Part)
    assert source.select.int().tolist() == [[1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]]
    assert target.select.int().tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0]]


def test_asked_the_other_way_round_the_fact_itself_holds_the_answer():
    _, (source, target) = QuestionToEntity(TABLE.inverse)(FACTS).pairs
    assert isinstance(source, NewBlock)
    assert isinstance(target, Part)
    h, r, m = Role.HEAD, Role.RELATION, Role.MASK
    assert tokens(source.samples) == [[(13, h), (14, h), (16002, r), (0, m)], [(22, h), (16003, r), (0, m)]]
    assert target.select.int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]


def tokens(facts: Samples) -> list[list[tuple[int, int]]]:
    """(id, role) of each row's tokens, without padding."""
    return [
        list(zip(ids[valid].tolist(), tags[valid].tolist(), strict=True))
        for ids, tags, valid in zip(facts.ids, facts.tags, facts.valid, strict=True)
    ]


def test_an_entity_is_asked_for_itself_and_spelled():
    forward, (source, target) = QuestionToEntity(autoencode=True)(FACTS).pairs
    assert [view.select.tolist() for view in forward] == [
        view.select.tolist() for view in QuestionToEntity()(FACTS).pairs[0]
    ]
    h, m, t = Role.HEAD, Role.MASK, Role.TAIL
    assert tokens(source.samples) == [[(11, h), (12, h), (0, m), (11, t), (12, t)], [(21, h), (0, m), (21, t)]]
    assert source.selected.int().tolist() == [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]]
    assert source.labels.tolist() == [[-100, -100, -100, 11, 12], [-100, -100, 21, -100, -100]]
    assert target.select.int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]


def test_apart_an_entity_stands_alone():
    (_, tail), (_, head) = QuestionToEntity(TABLE.inverse, apart=True)(FACTS).pairs
    t, h = Role.TAIL, Role.HEAD
    assert tokens(tail.samples) == [[(13, t), (14, t)], [(22, t)]]
    assert tokens(head.samples) == [[(11, h), (12, h)], [(21, h)]]


def test_only_the_other_direction_leaks():
    assert ReversalTraits.of(QuestionToEntity()).leaks_on == ()
    assert ReversalTraits.of(QuestionToEntity(autoencode=True)).leaks_on == ()
    assert ReversalTraits.of(QuestionToEntity(TABLE.inverse)).leaks_on == ("atomic",)


def test_a_leaking_pair_is_refused_and_the_entity_target_is_not():
    back = LookupReversal({17: 18, 18: 17, 19: 20, 20: 19, 21: 22, 22: 21}).inverse
    batch = small_batch()
    assert small_objective(small_model(), 0, reversal=QuestionToEntity(), filters=[]).plan(batch).jepa_pairs == 5
    with pytest.raises(ComponentError, match="give away the held-out answer of 'atomic' samples"):
        small_objective(small_model(), 0, reversal=QuestionToEntity(back), filters=[]).plan(batch)
    kept = small_objective(small_model(), 0, reversal=QuestionToEntity(back)).plan(batch)
    assert kept.jepa_pairs == 2 * 3


def test_inverses_come_from_the_vocabularys_names():
    tokens = {"<mask>": 0, "<pad>": 1, "<r>": 2, "<r_inv>": 3}
    context = BuildContext(make_vocabulary(tokens, (2, 3), 0, 1), width=8, num_layers=2)
    made = question_to_entity(context, both_directions=True)
    assert made.inverse(torch.tensor([2, 3])).tolist() == [3, 2]
    assert question_to_entity(context).inverse is None
    assert [question_to_entity(context, autoencode=a).autoencode for a in (False, True)] == [False, True]
