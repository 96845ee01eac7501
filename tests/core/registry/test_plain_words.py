from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from jepa_core.registry.plain_words import describe_value, problems_in
from jepa_core.registry.section import Conflict, Section


class Part(Section):
    size: int = Field(1, ge=1, lt=10)
    share: float = Field(0.5, gt=0, allow_inf_nan=False)
    on: bool = False
    kind: Literal["red", "green", "blue"] = "red"
    both: int | str | None = None


class Whole(Section):
    name: str = Field("x", min_length=1)
    part: Part = Part.model_construct()
    must: int


def found(data: dict) -> dict:
    """Dotted key -> words."""
    try:
        Whole.model_validate(data)
    except ValidationError as error:
        return {".".join(map(str, path)): words for path, _, words in problems_in(error, data)}
    return {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (2, "the number 2"),
        (0.5, "the number 0.5"),
        ("two", "the text 'two'"),
        ("x" * 41, "the text '" + "x" * 40 + "…'"),
        ([1], "a list"),
        ({}, "a mapping"),
    ],
)
def test_values_in_a_users_words(value, words):
    assert describe_value(value) == words


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("size", "two", "expected a whole number, not the text 'two'"),
        ("size", 2.0, "expected a whole number, not the number 2.0"),
        ("size", True, "expected a whole number, not true"),
        ("size", 0, "expected a number at least 1, not 0"),
        ("size", 10, "expected a number below 10, not 10"),
        ("share", "x", "expected a number, not the text 'x'"),
        ("share", 0, "expected a number above 0.0, not 0"),
        ("share", float("nan"), "expected a finite number, not the number nan"),
        ("on", "no", "expected true or false, not the text 'no'"),
        ("kind", "rad", "expected one of red, green, blue, not the text 'rad'; did you mean 'red'?"),
        ("kind", None, "expected one of red, green, blue, not null"),
        ("both", [1], "expected a whole number or text, not a list"),
    ],
)
def test_wrong_values_in_plain_words(key, value, words):
    assert found({"must": 1, "part": {key: value}}) == {f"part.{key}": words}


def test_whole_numbers_are_numbers():
    assert found({"must": 1, "part": {"share": 1}}) == {}


def test_sections_and_missing_keys():
    assert found({"part": [1], "name": ""}) == {
        "name": "must not be empty",
        "part": "expected a mapping, not a list",
        "must": "is missing",
    }


def test_a_problem_in_a_union_stands_where_the_value_stands():
    data = {"a": [1, "x"]}
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, list[int] | None]).validate_python(data, strict=True)
    assert [path for path, _, _ in problems_in(caught.value, data)] == [("a", 1)]


def test_conflicts_are_named_at_their_keys():
    class Pair(Section):
        a: int = 0

        def model_post_init(self, context: object) -> None:
            raise Conflict(("a", "first"), ("b", "second"))

    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, Pair]).validate_python({"x": {"a": 1}})
    assert list(problems_in(caught.value, {"x": {"a": 1}})) == [
        (("x", "a"), "conflict", "first"),
        (("x", "b"), "conflict", "second"),
    ]
