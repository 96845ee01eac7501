from __future__ import annotations

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jepa_core.errors import RecipeError
from jepa_core.recipe.strict_yaml import MAX_ALIASES, MAX_DEPTH, MAX_NODES, Document, load_yaml, parse_yaml


def refusal(text: str | bytes) -> str:
    """The reason why `text` can't be read at all."""
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "f.yaml")
    assert len(caught.value.problems) == 1
    return str(caught.value)


def problems(text: str) -> list[str]:
    return list(map(str, parse_yaml(text, "f.yaml").problems))


def test_data_and_the_line_of_every_key_and_item():
    document = parse_yaml("# head\na: 1e-3\nb:\n  c: [x,\n    yes]\n  d: {e: 0o17}\n", "f.yaml")
    assert document.data == {"a": 0.001, "b": {"c": ["x", "yes"], "d": {"e": 15}}}
    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "d"): 6,
        ("b", "d", "e"): 6,
    }


def test_quoted_scalars_are_text():
    text = """a: '1'\nb: "null"\nc: |\n  true\nd: >-\n  1e-3\n"""
    assert parse_yaml(text, "f").data == {"a": "1", "b": "null", "c": "true\n", "d": "1e-3"}


def test_other_roots_than_mappings_are_fine():
    assert parse_yaml("- a\n- 2", "f.yaml").data == ["a", 2]
    assert parse_yaml("12", "f.yaml").data == 12


def test_keys_given_twice_are_all_named_and_the_first_counts():
    document = parse_yaml("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert list(map(str, document.problems)) == [
        "f.yaml:2: b.c: given twice, first on line 2",
        "f.yaml:3: a: given twice, first on line 1",
    ]


def test_the_same_key_in_quotes_is_given_twice():
    assert problems("a: 1\n'a': 2\n") == ["f.yaml:2: a: given twice, first on line 1"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1: a", "f.yaml:1: the key '1' is not text; put it in quotes"),
        ("a: 1\nnull: a", "f.yaml:2: the key 'null' is not text; put it in quotes"),
        ("? [a, b]\n: c", "f.yaml:1: a key is text, not a list or a mapping"),
        ("a:\n  <<: {b: 1}", "f.yaml:2: a: merge keys (<<) are not allowed; write the keys out"),
        ("a: !!int '3'", "f.yaml:1: a: the tag '!!int' is not allowed; write plain YAML"),
        ("a: !x {b: 1}", "f.yaml:1: a: the tag '!x' is not allowed; write plain YAML"),
        ("a: ! 3", "f.yaml:1: a: the tag '!' is not allowed; write plain YAML"),
        (
            "a: !!python/object/apply:os.system [true]",
            "f.yaml:1: a: the tag '!!python/object/apply:os.system' is not allowed; write plain YAML",
        ),
        ("a:\n  b: " + "9" * 5000, "f.yaml:2: a.b: a number of 5000 characters (at most 100)"),
        ('a: "x\\0y"', "f.yaml:1: a: holds the control character U+0000"),
        ('a: "\\ud800"', "f.yaml:1: a: holds the control character U+D800"),
        ('a: "\\e[31m"', "f.yaml:1: a: holds the control character U+001B"),
    ],
)
def test_what_is_wrong_without_making_the_rest_unreadable(text, problem):
    assert problems(text) == [problem]


def test_a_quoted_merge_sign_is_an_ordinary_key():
    assert parse_yaml("'<<': 1", "f").data == {"<<": 1}


def test_many_problems_are_reported_at_once():
    assert len(problems("a: 1\na: 2\n1: x\nb: !t 3\n")) == 3


@pytest.mark.parametrize("text", ["", "   \n", "# only a comment\n"])
def test_empty_files_are_refused(text):
    assert refusal(text) == "f.yaml:1: the file is empty"


def test_one_document_only():
    assert refusal("a: 1\n---\nb: 2\n") == "f.yaml:2: a second document begins; one file holds one"
    assert parse_yaml("---\na: 1\n...\n", "f").data == {"a": 1}


@pytest.mark.parametrize("unit", ["[", "- ", "{a: ", "? "])
def test_three_thousand_nested_levels_are_refused(unit):
    assert refusal(unit * 3000) == f"f.yaml:1: nested deeper than {MAX_DEPTH} levels"


def test_depth_up_to_the_bound_is_read():
    data = parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").data
    for _ in range(MAX_DEPTH - 1):
        (data,) = data
    assert data == []
    assert "nested deeper" in refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_the_number_of_entries_is_bounded():
    assert refusal("- a\n" * (MAX_NODES + 1)) == f"f.yaml:{MAX_NODES}: more than {MAX_NODES} entries"


def test_a_few_aliases_repeat_plain_values_as_copies():
    data = parse_yaml("a: &x {b: [1]}\nc: *x\nd: *x\n", "f").data
    assert data == {"a": {"b": [1]}, "c": {"b": [1]}, "d": {"b": [1]}}
    data["c"]["b"].append(2)
    assert data["a"] == data["d"] == {"b": [1]}


def test_aliases_cannot_multiply():
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{m}, *{m}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True))
    assert "f.yaml:3: the alias '*b' names" in refusal(bomb)
    assert "more than 16 aliases" in refusal("a: &a 1\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]")


@pytest.mark.parametrize("text", ["a: *b", "a: &a [*a]", "a: &a 1\nb: &a [*a]\nc: *a"])
def test_aliases_to_nothing_or_to_themselves_are_refused(text):
    assert "names nothing above it, or a value that holds an alias itself" in refusal(text)


def test_load_yaml_raises_every_problem(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("a: 1\na: 2\n1: 3\n")
    with pytest.raises(RecipeError) as caught:
        load_yaml(path)
    assert [p.where for p in caught.value.problems] == [f"{path}:2", f"{path}:3"]
    path.write_text("a: 1\n")
    assert load_yaml(str(path)) == Document({"a": 1}, {(): 1, ("a",): 1}, str(path))


def test_files_that_are_none(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name, words in (
        ("none", "no such file"),
        ("", "not a file"),
        ("fifo", "not a file"),
        ("a\0b", "no such"),
    ):
        with pytest.raises(RecipeError, match=words):
            load_yaml(f"{tmp_path}/{name}")
    with pytest.raises(RecipeError, match="could not be read"):
        load_yaml(tmp_path / ("x" * 5000))


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab1:-?[]{}&*!|>%@'\"\\,# \t\n\r~<.0xeU\0\x85\ufeffé"), max_size=60))
@example("? ? ?")
@example("%YAML 2.0\n---\na")
@example("a: |9\n x")
@example("&a")
def test_no_text_brings_anything_but_a_document_or_a_refusal(text):
    assert is_read_or_refused(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_bring_anything_but_a_document_or_a_refusal(content):
    assert is_read_or_refused(content)


def is_read_or_refused(content: str | bytes) -> bool:
    try:
        return isinstance(parse_yaml(content, "f.yaml"), Document)
    except RecipeError as error:
        return [problem.where.split(":")[0] for problem in error.problems] == ["f.yaml"]
