"""Turning facts round, by hand and against a loop over spans."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_plugins.facts.reverse import fact_and_reverse, known_inverses, reverse_facts
from jepa_plugins.facts.roles import Role, from_spans
from tests.support import vocabulary as make_vocabulary

MASK, PAD = 900, 901
entities = st.lists(st.integers(0, 99), min_size=1, max_size=4)
spans = st.tuples(entities, st.lists(st.integers(100, 199), min_size=1, max_size=2), st.just([MASK]), entities)


def test_by_hand():
    facts = from_spans([[[1, 2, 3], [7], [MASK], [4]], [[5], [8], [MASK], [6]]], PAD)
    turned = reverse_facts(facts, facts.ids + 10)
    assert turned.ids.tolist() == [[4, 17, MASK, 1, 2, 3], [6, 18, MASK, 5, PAD, PAD]]
    h, r, m, t, p = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PAD
    assert turned.tags.tolist() == [[h, r, m, t, t, t], [h, r, m, t, p, p]]


def test_leaves_the_facts_alone():
    facts = from_spans([[[1, 2], [7], [MASK], [3]]], PAD)
    reverse_facts(facts, facts.ids + 1)
    assert facts.ids.tolist() == [[1, 2, 7, MASK, 3]]


@settings(max_examples=50, deadline=None)
@given(st.lists(spans, max_size=5))
def test_equals_a_loop_over_spans(facts):
    expected = [[tail, [i + 1 for i in relation], mask, head] for head, relation, mask, tail in facts]
    before, after = from_spans(facts, PAD), from_spans(expected, PAD)
    turned = reverse_facts(before, before.ids + 1)
    assert torch.equal(turned.ids, after.ids)
    assert torch.equal(turned.tags, after.tags)


def test_fact_and_reverse_asks_for_relations_only():
    """`inverse` sees the relation tokens of all facts in order, and nothing else."""
    facts = from_spans([[[1], [7], [MASK], [2, 3]], [[4], [8, 9], [MASK], [5]]], PAD)
    asked = []

    def inverse(ids):
        asked.append(ids.tolist())
        return ids * 10

    ((source, target),) = fact_and_reverse(facts, inverse).pairs
    assert asked == [[7, 8, 9]]
    assert torch.equal(source.select, facts.valid)
    assert target.samples.ids.tolist() == [[2, 3, 70, MASK, 1], [5, 80, 90, MASK, 4]]


@pytest.mark.parametrize(
    ("names", "inverse_ids", "expected"),
    [
        (["<r>", "<r_inv>"], (), {0: 1, 1: 0}),
        (["<s_inv>", "<r>", "<s>", "<t>"], (), {0: 2, 2: 0}),
        (["<r>", "<s>"], (), {}),
        (["<r>", "<r_inv>", "<t>"], (1, 0, 2), {0: 1, 1: 0, 2: 2}),
    ],
)
def test_inverses_that_a_vocabulary_knows(names, inverse_ids, expected):
    tokens = {name: i for i, name in enumerate(names)}
    vocabulary = make_vocabulary(
        tokens | {"<mask>": MASK, "<pad>": PAD}, tuple(range(len(names))), MASK, PAD, inverse_ids=inverse_ids
    )
    assert known_inverses(vocabulary) == expected
