from __future__ import annotations

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.strict_yaml import parse_yaml


def draft_of(text: str) -> Draft:
    return Draft(parse_yaml(text, "r.yaml"))


def lines(draft: Draft) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        draft.raise_problems()
    return str(caught.value).split("\n")


@pytest.mark.parametrize("text", ["- a", "3", "text", "~"])
def test_a_recipe_is_a_mapping(text):
    with pytest.raises(RecipeError, match=r"^r\.yaml:1: a recipe is a mapping of sections"):
        draft_of(text)


def test_nothing_is_wrong_at_first():
    draft_of("a: 1").raise_problems()


def test_problems_come_by_line_with_the_files_own_among_them():
    draft = draft_of("a: 1\nb: {c: 2}\na: 3\nd: 4\n")
    draft.add(("d",), "late")
    draft.add(("b", "c"), "early")
    draft.add_to_command_line("x", "last")
    assert lines(draft) == [
        "r.yaml:2: b.c: early",
        "r.yaml:3: a: given twice, first on line 1",
        "r.yaml:4: d: late",
        "command line: x: last",
    ]


def test_a_key_has_one_problem_a_place():
    draft = draft_of("a: !x 1\n")
    draft.add(("a",), "something that follows from the tag")
    assert lines(draft) == ["r.yaml:1: a: the tag '!x' is not allowed; write plain YAML"]


def test_what_is_overridden_stands_on_the_command_line():
    draft = draft_of("a:\n  b: 1\n  c: 2\n")
    draft.override(("a", "b"))
    draft.add(("a", "b"), "bad")
    draft.add(("a", "c"), "bad")
    assert lines(draft) == ["r.yaml:3: a.c: bad", "command line: a.b: bad"]
    draft.override(("a",))
    draft.add(("a", "c"), "worse")
    assert lines(draft)[-1] == "command line: a.c: worse"
