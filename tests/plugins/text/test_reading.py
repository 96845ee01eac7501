from __future__ import annotations

import hashlib

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text import reading
from jepa_plugins.text.reading import JsonLines


@pytest.fixture
def lines(tmp_path):
    def write(content: bytes) -> JsonLines:
        (tmp_path / "data.jsonl").write_bytes(content)
        return JsonLines(tmp_path / "data.jsonl")

    return write


def test_a_value_a_line_with_its_number(lines):
    file = lines(b'{"a": 1}\n\n  \n[2]\n"c"')
    assert list(file) == [(1, {"a": 1}), (4, [2]), (5, "c")]
    assert file.digest() == hashlib.sha256(b'{"a": 1}\n\n  \n[2]\n"c"').hexdigest()


def test_what_other_systems_write(lines):
    """A byte order mark, CRLF, and U+2028 within text, which is no end of a line."""
    assert list(lines(b'\xef\xbb\xbf"a"\r\n"b\xe2\x80\xa8c\\r\\n"\r\n')) == [(1, "a"), (2, "b\u2028c\r\n")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'1\n{"a": \n', "line 2: expected JSON: Expecting value at column 7"),
        (b'1\n2\n{"a": "\xe9"}\n', "line 3: expected UTF-8 text; byte 8 is none: invalid continuation byte"),
        (b'[\n{"a": 1}\n]\n', "line 1: expected JSON: Expecting value at column 2; a file of one value a line is read"),
        (b"1\n" + b"[" * 100_000 + b"\n", "line 2: expected JSON: "),
    ],
)
def test_what_can_not_be_read_is_told_with_its_line(lines, content, words):
    file = lines(content)
    error = next(value for _, value in file if isinstance(value, DataError))
    assert str(error).startswith(f"{file.path}: {words}")
    assert "\n" not in str(error)


def test_the_lines_after_one_that_can_not_be_read_are_read(lines):
    found = list(lines(b'1\n{\n2\n"\xe9"\n3\n'))
    assert [(number, value) for number, value in found if not isinstance(value, DataError)] == [(1, 1), (3, 2), (5, 3)]
    assert [number for number, value in found if isinstance(value, DataError)] == [2, 4]


def test_a_line_without_an_end_does_not_fill_the_memory(lines, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST_LINE", 10)
    assert list(lines(b'"12345678"\n1\n')) == [(1, "12345678"), (2, 1)]
    with pytest.raises(DataError, match=r"line 2: is longer than 10 bytes$"):
        list(lines(b'1\n"12345678901"\n'))


def test_a_file_that_is_not_there(tmp_path):
    for read in (list, JsonLines.digest):
        with pytest.raises(DataError, match=r"none.jsonl: can't be read: No such file or directory$"):
            read(JsonLines(tmp_path / "none.jsonl"))
