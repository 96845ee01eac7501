from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts.fact_lines import FactLine
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.triples import Triple, as_task, two_groups, unique_triples
from tests.plugins.facts.specimen import triples as rows_of
from tests.support import vocabulary as make_vocabulary

RELATIONS = Relations((("up", "down"), ("in", "around")), ("beside",))
SPELLING = {"a": (0,), "b": (1, 2), "c": (3,), "d": (4, 5, 6)}
TOKENS = [*(f"w{i}" for i in range(40)), "<mask>", *(f"<{name}>" for name in RELATIONS.names), "<pad>"]
VOCABULARY = make_vocabulary(
    {token: i for i, token in enumerate(TOKENS)},
    relation_ids=(41, 42, 43, 44, 45),
    mask_id=40,
    pad_id=46,
    inverse_ids=(42, 41, 44, 43, 45),
)


def unique(*lines: tuple[str, str, str]) -> list[Triple]:
    return unique_triples([FactLine(*line, i + 1) for i, line in enumerate(lines)], SPELLING, RELATIONS, "f")


def test_reversing():
    assert Triple((1, 2), "down", (0,)).reversed(RELATIONS) == Triple((0,), "up", (1, 2))
    assert Triple((3,), "beside", (0,)).reversed(RELATIONS) == Triple((0,), "beside", (3,))


def test_a_fact_and_its_reverse_are_one_fact():
    found = unique(("b", "down", "a"), ("a", "up", "b"), ("a", "up", "b"), ("c", "beside", "a"), ("a", "beside", "c"))
    assert found == [Triple((0,), "up", (1, 2)), Triple((0,), "beside", (3,))]


def test_other_relations_and_directions_are_other_facts():
    assert len(unique(("a", "up", "b"), ("b", "up", "a"), ("a", "in", "b"), ("a", "beside", "b"))) == 4


def test_a_fact_that_is_its_own_reverse_is_refused():
    with pytest.raises(DataError, match=r"^f: line 2: tail: .*, as 'beside' is symmetric, not 'c'$"):
        unique(("a", "up", "a"), ("c", "beside", "c"))


FACTS = st.lists(
    st.builds(
        Triple,
        st.tuples(st.integers(0, 39)),
        st.sampled_from(RELATIONS.names),
        st.lists(st.integers(0, 39), min_size=1, max_size=3).map(tuple),
    ).filter(lambda triple: triple != triple.reversed(RELATIONS)),
    min_size=4,
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(FACTS, st.integers(0, 99), st.integers(1, 50))
def test_groups_share_no_entity_and_nothing_leaks(facts, seed, at_most):
    facts = list(dict.fromkeys(fact.one_of_both(RELATIONS) for fact in facts))
    try:
        both, one = two_groups(facts, RELATIONS, 0.25, Random(seed))
    except DataError:
        return
    ends = [{entity for fact in group for entity in (fact.head, fact.tail)} for group in (both, one)]
    assert not ends[0] & ends[1]
    assert len(both) + 2 * len(one) == 2 * len(facts)
    assert {fact.reversed(RELATIONS) for fact in both} == set(both)

    task = as_task(both, one, RELATIONS, VOCABULARY, at_most, Random(seed))
    check_leaks(task, "train", "test")
    assert task.train.sample_type.tolist() == [0] * len(both) + [1] * len(one)
    assert {split: len(s) for split, s in task.evaluation.items()} == {
        "train": min(at_most, len(both)),
        "atomic": min(at_most, len(one)),
        "test": min(at_most, len(one)),
    }


def test_rows_by_hand():
    one = [Triple((0,), "in", (1, 2))]
    both = [Triple((3,), "down", (4, 5, 6)), Triple((4, 5, 6), "up", (3,))]
    task = as_task(both, one, RELATIONS, VOCABULARY, 9, Random(0))
    assert rows_of(task.train) == [((3,), 42, (4, 5, 6)), ((4, 5, 6), 41, (3,)), ((0,), 43, (1, 2))]
    assert rows_of(task.evaluation["atomic"]) == [((0,), 43, (1, 2))]
    assert rows_of(task.evaluation["test"]) == [((1, 2), 44, (0,))]


def test_directions_of_the_one_way_facts_are_drawn():
    facts = [Triple((2 * i,), "up", (2 * i + 1,)) for i in range(20)]
    _, one = two_groups(facts, RELATIONS, 0.5, Random(3))
    assert {fact.relation for fact in one} == {"up", "down"}
