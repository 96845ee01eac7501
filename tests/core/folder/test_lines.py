from __future__ import annotations

import os

import pytest

from jepa_core.errors import DataError
from jepa_core.folder.lines import decoded, decoded_file, numbered_lines


def lines(tmp_path, content: bytes, longest: int = 9) -> list[tuple[int, bytes]]:
    (tmp_path / "file").write_bytes(content)
    return list(numbered_lines(tmp_path / "file", longest))


def test_lines_that_are_not_blank_with_their_numbers(tmp_path):
    assert lines(tmp_path, b"one\n\n  \nfour\r\nfive") == [(1, b"one"), (4, b"four"), (5, b"five")]


def test_a_byte_order_mark_is_no_part_of_the_first_line_and_of_no_other(tmp_path):
    mark = b"\xef\xbb\xbf"
    assert lines(tmp_path, mark + b"a\n" + mark + b"b") == [(1, b"a"), (2, mark + b"b")]
    assert lines(tmp_path, mark) == []


def test_a_line_may_have_as_many_bytes_whatever_begins_and_ends_it(tmp_path):
    assert lines(tmp_path, b"\xef\xbb\xbf123456789\r\n123456789") == [(1, b"123456789"), (2, b"123456789")]
    for content in (b"1\n1234567890", b"1\n1234567890\n", b"1\n" + b"x" * 100):
        with pytest.raises(DataError, match=r"file: line 2: is longer than 9 bytes$"):
            lines(tmp_path, content)


def test_no_more_of_a_long_line_is_read(tmp_path):
    """A file of a terabyte, without an end of line."""
    with open(tmp_path / "file", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="line 1: is longer than"):
        next(numbered_lines(tmp_path / "file", 1 << 20))


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("pipe", "not a regular file"), ("none", "No such file or directory")):
        with pytest.raises(DataError, match=rf"{name}: can't be read: {words}$"):
            next(numbered_lines(tmp_path / name, 9))


def test_text_and_the_place_of_what_is_none(tmp_path):
    assert decoded("é".encode(), "f: line 3") == "é"
    with pytest.raises(DataError, match=r"^f: line 3: expected UTF-8 text; byte 2 is none: invalid continuation byte$"):
        decoded(b"a\xe9b", "f: line 3")
    file = tmp_path / "f"
    assert decoded_file(b"\xef\xbb\xbf\xc3\xa9\n", file) == "é\n"
    with pytest.raises(DataError, match=r"f: line 2: expected UTF-8 text; byte 2 is none"):
        decoded_file(b"\xef\xbb\xbfa\nb\xff\nc", file)
