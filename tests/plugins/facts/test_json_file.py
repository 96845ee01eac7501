from __future__ import annotations

import gc
import os

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.json_file import parse_json, read_json, read_text
from jepa_plugins.facts.json_items import read_items


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": [1,\n 2', "line 2, column 3: expected JSON: Expecting ',' delimiter; is the file cut off?"),
        (b"{'a': 1}", "line 1, column 2: expected JSON: Expecting property name"),
        (b"", "line 1, column 1: expected JSON: Expecting value; is the file cut off?"),
        (b"\xff\xfe[]", "line 1: expected UTF-8 text; byte 1 is none"),
        (b'[1,\n2, "\xe9"]', "line 2: expected UTF-8 text; byte 5 is none"),
        (b"[" * 100_000, "expected JSON: maximum recursion depth"),
        (b"1" * 5000, "expected JSON: Exceeds the limit"),
    ],
)
def test_what_is_no_json_is_said_with_its_place(tmp_path, text, expected):
    path = tmp_path / "file.json"
    path.write_bytes(text)
    with pytest.raises(DataError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="can't be read: No such file"):
        read_json(tmp_path / "file.json")


def test_the_collector_is_back_after_reading_and_after_failing():
    assert parse_json("[1]", "here") == [1]
    assert gc.isenabled()
    with pytest.raises(DataError):
        parse_json("[", "here")
    assert gc.isenabled()


@pytest.mark.parametrize("read", [read_text, read_json, lambda path: list(read_items(path))])
def test_a_pipe_is_told_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "train.json")
    with pytest.raises(DataError, match=r"train\.json: can't be read: not a regular file"):
        read(tmp_path / "train.json")
