from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.fact_lines import FactLine, read_fact_lines

GOOD = '{"head": "a", "relation": "up", "tail": "b c"}'


def read(tmp_path, text: str):
    path = tmp_path / "facts.jsonl"
    path.write_text(text)
    return read_fact_lines(path, ("up", "down"), "relations.yaml")


def test_lines_and_their_numbers(tmp_path):
    text = f'{GOOD}\n\n{{"head": " x \\t y ", "relation": "down", "tail": "z", "source": 3}}\n'
    assert read(tmp_path, text) == [FactLine("a", "up", "b c", 1), FactLine("x y", "down", "z", 3)]


def test_a_line_separator_inside_a_name_does_not_end_the_line(tmp_path):
    assert read(tmp_path, GOOD.replace("b c", "b\u2028c")) == [FactLine("a", "up", "b c", 1)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"head": "a"',
            "line 2: line 1, column 13: expected JSON: Expecting ',' delimiter; is the file cut off?",
        ),
        ("[]", "line 2: expected an object with head, relation and tail, not []"),
        ('{"head": "a", "relation": "up"}', "line 2: tail: expected text, it is missing"),
        (
            '{"heads": "a", "relation": "up", "tail": "b"}',
            "head: expected text, it is missing; did you mean 'heads'?",
        ),
        (GOOD.replace('"a"', "3"), "line 2: head: expected text, not 3"),
        (GOOD.replace('"a"', '" "'), 'line 2: head: expected text, not " "'),
        (
            GOOD.replace('"up"', '"upp"'),
            "line 2: relation: expected a relation of relations.yaml, not \"upp\"; did you mean 'up'?",
        ),
    ],
)
def test_mistakes_are_named_by_line_and_field(tmp_path, line, expected):
    with pytest.raises(DataError) as error:
        read(tmp_path, f"{GOOD}\n{line}\n")
    assert str(error.value).startswith(str(tmp_path / "facts.jsonl"))
    assert expected in str(error.value)


def test_a_file_without_facts(tmp_path):
    with pytest.raises(DataError, match=r"facts\.jsonl: expected at least one fact"):
        read(tmp_path, "\n\n")


def test_all_that_are_wrong_are_named_and_counted(tmp_path):
    with pytest.raises(DataError) as told:
        read(tmp_path, f'{GOOD}\n{{"head": 3}}\n{GOOD.replace("up", "upp")}\n')
    first, second, count = str(told.value).splitlines()
    assert "line 2: head: expected text, not 3" in first
    assert "line 3: relation: expected a relation of relations.yaml, not 'upp'; did you mean 'up'?" in second.replace(
        '"', "'"
    )
    assert count == "2 of 3 lines are wrong"
