from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts import fact_lines
from jepa_plugins.facts.fact_lines import read_fact_lines

Row = tuple[str, str, str, int]
RELATIONS = ("up", "down")

GOOD = '{"head": "a", "relation": "up", "tail": "b c"}'


def read(tmp_path, text: str | bytes) -> list[Row]:
    """Head, relation, tail and line of every fact."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read_fact_lines(path, RELATIONS, "relations.yaml")
    names, columns = found.names, (found.head, found.relation, found.tail, found.line)
    return [(names[h], RELATIONS[r], names[t], int(line)) for h, r, t, line in zip(*columns, strict=True)]


def test_lines_and_their_numbers(tmp_path):
    text = f'{GOOD}\n\n{{"head": " x \\t y ", "relation": "down", "tail": "z", "source": 3}}\n'
    assert read(tmp_path, text) == [("a", "up", "b c", 1), ("x y", "down", "z", 3)]


def test_entities_have_numbers_in_the_order_of_the_file_and_know_their_first_line(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text(f"\n{GOOD}\n" + '{"head": "c", "relation": "up", "tail": "a"}\n')
    found = read_fact_lines(path, RELATIONS, "relations.yaml")
    assert (found.names, found.head.tolist(), found.tail.tolist()) == (["a", "b c", "c"], [0, 2], [1, 0])
    assert [found.line_of(number) for number in range(3)] == [2, 2, 3]


def test_a_line_separator_inside_a_name_does_not_end_the_line(tmp_path):
    assert read(tmp_path, GOOD.replace("b c", "b\u2028c")) == [("a", "up", "b c", 1)]


def test_what_other_systems_write(tmp_path):
    """A byte order mark and CRLF."""
    assert read(tmp_path, b"\xef\xbb\xbf" + f"{GOOD}\r\n{GOOD}\r\n".encode()) == [
        ("a", "up", "b c", 1),
        ("a", "up", "b c", 2),
    ]


def test_a_byte_that_is_no_utf8_is_told_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"facts\.jsonl: line 2: expected UTF-8 text; byte 5 is none"):
        read(tmp_path, f"{GOOD}\n".encode() + GOOD.replace("a", "\xe9", 2).encode("latin-1"))


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(fact_lines, "LONGEST_LINE", len(GOOD))
    read(tmp_path, b"\xef\xbb\xbf" + f"{GOOD}\r\n{GOOD}".encode())
    with pytest.raises(DataError, match=rf"facts\.jsonl: line 2: is longer than {len(GOOD)} bytes$"):
        read(tmp_path, f"{GOOD}\n {GOOD}{'x' * 1000}")


def test_a_long_name_is_refused(tmp_path):
    most = fact_lines.LONGEST_NAME
    assert len(read(tmp_path, GOOD.replace("b c", "b" * most))[0][2]) == most
    with pytest.raises(DataError, match=r"line 1: tail: expected at most 1,000 letters, there are 1,001$"):
        read(tmp_path, GOOD.replace("b c", "b" * (most + 1)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            '{"head": "a"',
            "line 2, column 13: expected JSON: Expecting ',' delimiter; is the file cut off?",
        ),
        ("[]", "line 2: expected an object with head, relation and tail, not []"),
        ('{"head": "a", "relation": "up"}', "line 2: tail: expected text, it is missing"),
        (
            '{"heads": "a", "relation": "up", "tail": "b"}',
            "head: expected text, it is missing; did you mean 'heads'?",
        ),
        (GOOD.replace('"a"', '"\\ud83d"'), "line 2: head: expected text, not the half of a letter, U+D83D"),
        ("[" * 100_000, "line 2: expected JSON: maximum recursion depth"),
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
