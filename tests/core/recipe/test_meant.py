"""Guesses for a name that there is not, or for none at all."""

from __future__ import annotations

import pytest

from jepa_core.recipe.meant import meant
from jepa_core.registry.outline import Outline


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline()


@pytest.mark.parametrize(
    ("kind", "ref", "names"),
    [
        ("distance", "cosine", ["cosine"]),
        ("distance", {"name": "cosin", "eps": 1}, ["cosine"]),
        ("dataset", {"train": "a.jsonl", "evaluation": {}}, ["messages"]),
        ("dataset", {"path": "a"}, ["facts", "reversal_curse"]),
        ("dataset", {"name": 3, "relation_pairs": 4}, ["reversal_curse"]),
        ("dataset", {}, []),
        ("dataset", None, []),
    ],
)
def test_the_name_first_then_its_likeness_then_the_options(outline, kind, ref, names):
    assert [component.name for component in meant(outline, kind, ref)] == names


def test_a_name_like_none_is_taken_by_its_options(outline):
    assert [c.name for c in meant(outline, "distance", {"name": "zzzzzz", "temperature": 0.1})] == ["infonce"]
