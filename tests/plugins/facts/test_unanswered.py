"""Questions that no training fact answers, by hand and against a slow loop."""

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import Role, from_spans
from jepa_plugins.facts.unanswered import Unanswered, questions
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_set


def named(asked: Unanswered) -> set[tuple[tuple[int, ...], int]]:
    samples = asked.entities.samples
    names = [tuple(ids[valid].tolist()) for ids, valid in zip(samples.ids, samples.valid, strict=True)]
    pairs = zip(asked.heads.tolist(), asked.relations.tolist(), strict=True)
    return {(names[head], int(asked.relation_ids[relation])) for head, relation in pairs}


def test_every_pair_but_those_that_a_fact_begins_with():
    facts = [(tuple(h), r, tuple(t)) for h, r, _, t, _ in SAMPLES]
    entities = {name for h, _, t in facts for name in (h, t)}
    answered = {(h, r) for h, r, _ in facts}
    asked = Unanswered.of(small_set())
    assert named(asked) == {(e, r) for e in entities for _, r, _ in facts} - answered
    assert (len(asked), asked.facts) == (8 * 5 - 5, 5)


def test_questions_of_names_of_any_length():
    names = Samples(torch.tensor([[7, 8, 0], [9, 0, 0], [1, 2, 3]]), torch.tensor([[4, 4, 0], [4, 0, 0], [4, 4, 4]]))
    made = questions(names, torch.tensor([17, 18, 17]), MASK_ID)
    h, r, m = Role.HEAD, Role.RELATION, Role.MASK
    assert made.tags.tolist() == [[h, h, r, m, 0], [h, r, m, 0, 0], [h, h, h, r, m]]
    assert [ids[valid].tolist() for ids, valid in zip(made.ids, made.valid, strict=True)] == [
        [7, 8, 17, MASK_ID],
        [9, 18, MASK_ID],
        [1, 2, 3, 17, MASK_ID],
    ]
    assert names.ids.tolist()[0] == [7, 8, 0], "the names stay as they were"


def test_a_relation_of_two_tokens_is_refused():
    facts = from_spans([[[1], [17, 18], [MASK_ID], [2]]], PAD_ID)
    with pytest.raises(DataError, match="no relation of one token"):
        Unanswered.of(FactSet(facts, torch.zeros(1)))


def test_one_answer_that_is_trained_is_enough():
    """[1, 2] has two answers by 17; that one of them alone is trained is all that a reader of the data can know."""
    facts = [SAMPLES[0], ([1, 2], 17, MASK_ID, [5], "train")]
    assert named(Unanswered.of(small_set(facts))) == named(Unanswered.of(small_set(facts[:1]))) | {((5,), 17)}
