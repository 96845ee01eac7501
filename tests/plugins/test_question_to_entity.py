"""From the question to the entity: its contract, the views of one fact by hand, and what leaks."""

import pytest
import torch

from jepa_core.components import BuildContext, declared
from jepa_core.data.vocabulary import Vocabulary
from jepa_core.errors import ComponentError
from jepa_core.testing import ReversalContract
from jepa_core.views.facts import Facts, Role
from jepa_core.views.views import NewBlock, Part
from jepa_plugins.lookup_reversal import LookupReversal
from jepa_plugins.question_to_entity import QuestionToEntity, question_to_entity
from tests.support import small_batch, small_model, small_objective

TABLE = LookupReversal({16001: 16002, 16002: 16001, 16003: 16004, 16004: 16003})


class TestQuestionToEntityContract(ReversalContract):
    def make(self):
        return QuestionToEntity()


class TestBothDirectionsContract(ReversalContract):
    def make(self):
        return QuestionToEntity(TABLE.inverse)


FACTS = Facts.from_spans([[[11, 12], [16001], [0], [13, 14]], [[21], [16004], [0], [22]]], pad_id=9)


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
    rows = [
        list(zip(ids[valid].tolist(), roles[valid].tolist(), strict=True))
        for ids, roles, valid in zip(source.facts.ids, source.facts.roles, source.facts.valid, strict=True)
    ]
    h, r, m = Role.HEAD, Role.RELATION, Role.MASK
    assert rows == [[(13, h), (14, h), (16002, r), (0, m)], [(22, h), (16003, r), (0, m)]]
    assert target.select.int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]


def test_only_the_other_direction_leaks():
    assert declared("reversal", QuestionToEntity(), "leaks_on") == ()
    assert declared("reversal", QuestionToEntity(TABLE.inverse), "leaks_on") == ("atomic",)


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
    context = BuildContext(Vocabulary(tokens, (2, 3), 0, 1), width=8, num_layers=2)
    made = question_to_entity(context, both_directions=True)
    assert made.inverse(torch.tensor([2, 3])).tolist() == [3, 2]
    assert question_to_entity(context).inverse is None
