from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.task_size import TaskSize


def test_entities_are_those_of_both_groups():
    assert TaskSize(entities_both_ways=30, entities_one_way=12, name_multiplicity=None).entities == 42


def test_as_many_entities_as_names_can_make_are_fine():
    # 4 first and 4 last names make 16 entities, every one of them used.
    assert TaskSize(12, 4, 1, name_multiplicity=4).entities == 16


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"entities_both_ways": 3}, "entities_both_ways: expected an even number from 2 on"),
        ({"entities_one_way": 0}, "entities_one_way: expected an even number from 2 on"),
        ({"relation_pairs": 0}, "relation_pairs: expected 1 or more, not 0"),
        ({"evaluation_samples": -1}, "evaluation_samples: expected 1 or more, not -1"),
        ({"name_tokens": 1}, "name_tokens: expected 2 to 8, not 1"),
        ({"name_tokens": 9}, "name_tokens: expected 2 to 8, not 9"),
        ({"name_tokens": 3, "name_multiplicity": None}, "name_tokens: has no effect where names are not shared"),
        ({"partners": 0}, "partners: expected 1 to 25 (an eighth of the smaller group of entities), not 0"),
        ({"partners": 26}, "partners: expected 1 to 25"),
        ({"entities_one_way": 4, "partners": 2, "name_multiplicity": None}, "partners: expected 1 to 1"),
        ({"name_multiplicity": 0}, "name_multiplicity: expected 1, 2, 3, "),
        # 20 entities: 7 is no divisor, and 5 makes 4 first and 4 last names, hence 16 entities at most.
        (
            {"entities_both_ways": 16, "entities_one_way": 4, "name_multiplicity": 7},
            "name_multiplicity: expected 1, 2, 4 (or null: no shared names) for 20 entities, not 7",
        ),
        (
            {"entities_both_ways": 16, "entities_one_way": 4, "name_multiplicity": 5},
            "name_multiplicity: expected 1, 2, 4 (or null: no shared names) for 20 entities, not 5",
        ),
    ],
)
def test_sizes_that_make_no_task_are_refused(options, expected):
    with pytest.raises(DataError) as error:
        TaskSize(**options)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"entities_both_ways": 2 * 10**9}, "entities_both_ways"),
        ({"entities_both_ways": 10**30}, "entities_both_ways"),
        ({"entities_one_way": 10**30, "name_multiplicity": None}, "entities_one_way"),
        ({"relation_pairs": 10**12}, "relation_pairs"),
        ({"relation_pairs": 10**7, "partners": 20}, "relation_pairs"),
        ({"entities_both_ways": 2 * 10**7, "name_multiplicity": None}, "entities_both_ways"),
    ],
)
def test_sizes_that_would_fill_the_memory_are_refused_at_once(options, option):
    with pytest.raises(
        DataError,
        match=rf"^{option}: expected at most [\d,]+ (entities times relation pairs( times partners)?|tokens), not",
    ):
        TaskSize(**options)


def test_a_task_that_has_to_be_packed():
    size = TaskSize(entities_both_ways=8_000_000, entities_one_way=2_000_000, relation_pairs=2, name_multiplicity=100)
    with pytest.raises(
        DataError, match=r"at most 10,000,000 .*, not 20,000,000; pack a larger one with 'jepa-run data"
    ):
        size.refuse_in_memory()
    TaskSize().refuse_in_memory()
