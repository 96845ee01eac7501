"""Samples from spans, rows of facts, and tags that torch.compile compares rightly."""

import pytest
import torch

from jepa_core.samples.samples import Samples
from jepa_plugins.facts.roles import Role, SampleType, from_spans

PAD = 99
SPANS = [[[1, 2], [50], [60], [3]], [[4], [51], [60], [5, 6, 7]], [[8], [50], [60], [9]]]


@pytest.fixture
def facts() -> Samples:
    return from_spans(SPANS, pad_id=PAD)


def test_from_spans_pads_on_the_right(facts):
    assert facts.ids.tolist() == [
        [1, 2, 50, 60, 3, PAD],
        [4, 51, 60, 5, 6, 7],
        [8, 50, 60, 9, PAD, PAD],
    ]
    h, r, m, t, p = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PAD
    assert facts.tags.tolist() == [[h, h, r, m, t, p], [h, r, m, t, t, t], [h, r, m, t, p, p]]
    assert facts.ids.dtype == facts.tags.dtype == torch.int64


def test_valid_are_the_real_tokens(facts):
    assert facts.valid.sum(dim=1).tolist() == [5, 6, 4]


def test_a_real_token_may_have_the_id_of_padding():
    facts = from_spans([[[PAD], [50], [60], [PAD]]], pad_id=PAD)
    assert facts.valid.all()


def test_no_fact():
    facts = from_spans([], pad_id=PAD)
    assert (len(facts), facts.ids.shape) == (0, (0, 0))


@pytest.mark.parametrize("rows", [[2, 0], [True, False, True]])
def test_rows_by_index_and_by_mask(facts, rows):
    chosen = facts[torch.tensor(rows)]
    expected = [2, 0] if rows == [2, 0] else [0, 2]
    assert chosen.ids.tolist() == [facts.ids[i].tolist() for i in expected]
    assert chosen.tags.tolist() == [facts.tags[i].tolist() for i in expected]


@pytest.mark.parametrize(("ids", "tags"), [((2, 3), (2, 4)), ((3,), (3,)), ((1, 2, 3), (1, 2, 3))])
def test_refuses_other_shapes(ids, tags):
    with pytest.raises(ValueError, match="ids and tags are both"):
        Samples(torch.zeros(ids), torch.zeros(tags))


def test_a_fact_has_four_spans():
    with pytest.raises(ValueError, match="zip"):
        from_spans([[[1], [50], [60]]], pad_id=PAD)


def test_numbers_of_roles_and_sample_types():
    """They stand in saved files and in batches."""
    tags = [Role.PAD, Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PRED]
    assert tags == [0, 1, 2, 3, 4, -1]
    assert [SampleType.TRAIN, SampleType.ATOMIC, SampleType.TEST] == [0, 1, 2]


def test_roles_compare_the_same_under_compile(facts):
    def is_entity(tags):
        return (tags == Role.HEAD) | (tags == Role.TAIL), tags != Role.PAD

    compiled = torch.compile(is_entity, fullgraph=True, backend="eager")
    for found, expected in zip(compiled(facts.tags), is_entity(facts.tags), strict=True):
        assert torch.equal(found, expected)


def test_chosen_tokens_move_to_the_front():
    facts = from_spans([[[5], [17], [16], [6, 7]], [[1, 2], [18], [16], [3]]], pad_id=23)
    tails = facts.where(facts.tags == Role.TAIL)
    assert [ids[valid].tolist() for ids, valid in zip(tails.ids, tails.valid, strict=True)] == [[6, 7], [3]]
    assert tails.ids.shape == (2, 2)
