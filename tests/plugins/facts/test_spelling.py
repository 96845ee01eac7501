from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_plugins.facts import spelling as spelling_module
from jepa_plugins.facts.spelling import Spelling

NAMES = st.lists(st.lists(st.sampled_from([0, 1, 255, 256, 70_000]), max_size=4).map(tuple), min_size=1, max_size=30)


def test_names_by_number():
    spelling = Spelling.of([(7,), (), (300, 8)])
    assert [spelling[number] for number in range(len(spelling))] == [(7,), (), (300, 8)]
    assert spelling.lengths.tolist() == [1, 0, 2]
    assert spelling.gather(np.array([2, 1, 0, 2])).tolist() == [300, 8, 7, 300, 8]
    assert spelling.gather(np.array([], int)).tolist() == []
    assert len(Spelling.of([])) == 0


@given(NAMES, st.data())
def test_names_are_compared_as_tuples_are(names, data):
    spelling, number = Spelling.of(names), st.integers(0, len(names) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number), min_size=1))
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    assert spelling.comes_first(left, right).tolist() == [names[a] < names[b] for a, b in pairs]


@settings(deadline=None)
@given(NAMES, st.booleans())
def test_the_first_name_that_was_there_before(names, collide):
    """Holds even where hashes of different names are equal."""
    before, stock = spelling_module.hash_rows, spelling_module.hash_rows
    spelling_module.hash_rows = (lambda *rows: stock(*rows) % np.uint64(2)) if collide else stock
    try:
        found = Spelling.of(names).first_twice()
    finally:
        spelling_module.hash_rows = before
    twice = [number for number, name in enumerate(names) if name in names[:number]]
    assert found == ((twice[0], names.index(names[twice[0]])) if twice else None)
