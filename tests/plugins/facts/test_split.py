from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts.split import connected_components, split_by_entity

LINKS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=60)


def test_components_by_hand():
    assert connected_components([(4, 3), (0, 1), (3, 2), (5, 5), (1, 0)], entities=6) == [2, 0, 2, 5, 0]


@given(LINKS)
def test_components_are_the_same_as_by_spreading_marks(links):
    marks = list(range(31))
    for _ in links:
        for a, b in links:
            marks[a] = marks[b] = min(marks[a], marks[b])
    assert connected_components(links, 31) == [marks[a] for a, _ in links]


@settings(deadline=None, max_examples=300)
@given(LINKS, st.floats(0.05, 0.95), st.integers(0, 99))
def test_no_entity_is_in_both_groups_and_the_share_is_about_right(links, share, seed):
    try:
        chosen = split_by_entity(links, 31, share, Random(seed))
    except DataError:
        return
    groups = [{e for link, c in zip(links, chosen, strict=True) if c == wanted for e in link} for wanted in (0, 1)]
    assert not groups[0] & groups[1]
    assert all(groups)
    assert abs(sum(chosen) - share * len(links)) <= max(share * len(links) / 2, 1)


def test_small_components_give_the_share_asked():
    links = [(2 * i, 2 * i + 1) for i in range(40)]
    for seed in range(5):
        assert sum(split_by_entity(links, 80, 0.25, Random(seed))) == 10


def test_the_seed_decides():
    links = [(2 * i, 2 * i + 1) for i in range(40)]
    splits = [split_by_entity(links, 80, 0.5, Random(seed)) for seed in (1, 1, 2)]
    assert splits[0] == splits[1] != splits[2]


def test_one_connected_component_can_not_be_split():
    with pytest.raises(DataError, match=r"about 25% and 75% .* the 9 facts make 1 connected components, the .* 9$"):
        split_by_entity([(i, i + 1) for i in range(9)], 10, 0.25, Random(0))
