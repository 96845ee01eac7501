from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts import bounds
from jepa_plugins.facts.fact_lines import FactLines
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.spelling import Spelling
from jepa_plugins.facts.triples import Triples, as_task, by_first_occurrence, two_groups, unique_triples
from tests.plugins.facts.specimen import triples as rows_of
from tests.support import vocabulary as make_vocabulary

RELATIONS = Relations((("up", "down"), ("in", "around")), ("beside",))
NAMES = ("a", "b", "c", "d")
SPELLING = Spelling.of([(0,), (1, 2), (3,), (4, 5, 6)])
TOKENS = [*(f"w{i}" for i in range(40)), "<mask>", *(f"<{name}>" for name in RELATIONS.names), "<pad>"]
VOCABULARY = make_vocabulary(
    {token: i for i, token in enumerate(TOKENS)},
    relation_ids=(41, 42, 43, 44, 45),
    mask_id=40,
    pad_id=46,
    inverse_ids=(42, 41, 44, 43, 45),
)


Named = tuple[str, str, str]


def of_names(lines: list[Named]) -> Triples:
    columns = list(zip(*lines, strict=True)) or [(), (), ()]
    known = (NAMES, RELATIONS.names, NAMES)
    return Triples(*(np.array([of.index(x) for x in column], int) for of, column in zip(known, columns, strict=True)))


def in_names(triples: Triples) -> list[Named]:
    rows = zip(triples.head, triples.relation, triples.tail, strict=True)
    return [(NAMES[h], RELATIONS.names[r], NAMES[t]) for h, r, t in rows]


def unique(*lines: Named) -> list[Named]:
    given = of_names(list(lines))
    numbers = np.arange(1, len(lines) + 1)
    found = FactLines(given.head, given.relation, given.tail, numbers, NAMES)
    return in_names(unique_triples(found, SPELLING, RELATIONS, "f"))


def test_reversing():
    facts = of_names([("b", "down", "a"), ("c", "beside", "a")])
    assert in_names(facts.reversed(RELATIONS)) == [("a", "up", "b"), ("a", "beside", "c")]


def test_a_fact_and_its_reverse_are_one_fact():
    found = unique(("b", "down", "a"), ("a", "up", "b"), ("a", "up", "b"), ("c", "beside", "a"), ("a", "beside", "c"))
    assert found == [("a", "up", "b"), ("a", "beside", "c")]


def test_of_a_symmetric_fact_the_head_with_the_smaller_tokens():
    spelling = Spelling.of([(7,), (7, 0), (6, 9), (300,)])
    lines = of_names([("a", "beside", "b"), ("b", "beside", "c"), ("d", "beside", "a")])
    found = unique_triples(
        FactLines(lines.head, lines.relation, lines.tail, np.arange(3), NAMES), spelling, RELATIONS, "f"
    )
    assert in_names(found) == [("a", "beside", "b"), ("c", "beside", "b"), ("a", "beside", "d")]


def test_other_relations_and_directions_are_other_facts():
    assert len(unique(("a", "up", "b"), ("b", "up", "a"), ("a", "in", "b"), ("a", "beside", "b"))) == 4


def test_a_fact_that_is_its_own_reverse_is_refused():
    with pytest.raises(DataError, match=r"^f: line 2: tail: .*, as 'beside' is symmetric, not 'c'$"):
        unique(("a", "up", "a"), ("c", "beside", "c"), ("d", "beside", "d"))


def test_numbers_by_first_occurrence():
    assert by_first_occurrence(np.array([[9, 4], [4, 7], [9, 0]])).tolist() == [[0, 1], [1, 2], [0, 3]]


#: Entities by number have the token of that number, and every third one more.
MANY = Spelling.of([(i,) if i % 3 else (i, 39 - i) for i in range(40)])
FACTS = st.lists(
    st.tuples(st.integers(0, 39), st.sampled_from(RELATIONS.names), st.integers(0, 39)).filter(
        lambda fact: fact[0] != fact[2]
    ),
    min_size=4,
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(FACTS, st.integers(0, 99), st.integers(1, 50))
def test_groups_share_no_entity_and_nothing_leaks(facts, seed, at_most):
    columns = [np.array(column) for column in zip(*facts, strict=True)]
    relation = np.array([RELATIONS.names.index(name) for _, name, _ in facts])
    lines = FactLines(columns[0], relation, columns[2], np.arange(len(facts)), list(map(str, range(40))))
    triples = unique_triples(lines, MANY, RELATIONS, "f")
    as_sets = {frozenset([(h, r, t), (t, RELATIONS.inverse[r], h)]) for h, r, t in facts}
    assert len(triples) == len(as_sets)
    try:
        both, one = two_groups(triples, RELATIONS, 0.25, Random(seed))
    except DataError:
        return
    ends = [{*group.head.tolist(), *group.tail.tolist()} for group in (both, one)]
    assert not ends[0] & ends[1]
    assert len(both) + 2 * len(one) == 2 * len(triples)
    assert key_set(both.reversed(RELATIONS)) == key_set(both)

    task = as_task(both, one, MANY, RELATIONS, VOCABULARY, at_most, Random(seed))
    check_leaks(task, "train", "test")
    assert task.train.sample_type.tolist() == [0] * len(both) + [1] * len(one)
    assert {split: len(s) for split, s in task.evaluation.items()} == {
        "train": min(at_most, len(both)),
        "atomic": min(at_most, len(one)),
        "test": min(at_most, len(one)),
    }


def key_set(triples: Triples) -> set[tuple[int, ...]]:
    return set(zip(triples.head.tolist(), triples.relation.tolist(), triples.tail.tolist(), strict=True))


def test_rows_by_hand():
    one = of_names([("a", "in", "b")])
    both = of_names([("c", "down", "d"), ("d", "up", "c")])
    task = as_task(both, one, SPELLING, RELATIONS, VOCABULARY, 9, Random(0))
    assert rows_of(task.train) == [((3,), 42, (4, 5, 6)), ((4, 5, 6), 41, (3,)), ((0,), 43, (1, 2))]
    assert rows_of(task.evaluation["atomic"]) == [((0,), 43, (1, 2))]
    assert rows_of(task.evaluation["test"]) == [((1, 2), 44, (0,))]


def test_directions_of_the_one_way_facts_are_drawn():
    numbers = np.arange(20)
    _, one = two_groups(Triples(2 * numbers, 0 * numbers, 2 * numbers + 1), RELATIONS, 0.5, Random(3))
    assert set(one.relation.tolist()) == {0, 1}  # up, down
    assert all((head < tail) == (relation == 0) for head, relation, tail in key_set(one))


def test_more_places_than_fit_into_memory_are_refused(monkeypatch):
    """One long name makes every row as long."""
    one, both = of_names([("a", "in", "b")]), of_names([("c", "down", "d"), ("d", "up", "c")])
    monkeypatch.setattr(bounds, "MOST_PLACES", 18)  # 3 facts of up to 6 tokens
    as_task(both, one, SPELLING, RELATIONS, VOCABULARY, 9, Random(0))
    monkeypatch.setattr(bounds, "MOST_PLACES", 17)
    with pytest.raises(DataError, match=r"^3 facts, the longest of 6 tokens, are too many for memory: .* at most 2 of"):
        as_task(both, one, SPELLING, RELATIONS, VOCABULARY, 9, Random(0))
