from __future__ import annotations

import json

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.reading import JsonLines
from jepa_plugins.text.sources import conversations, source
from jepa_plugins.text.tables import Parquet, Table


@pytest.fixture
def search(tmp_path):
    (tmp_path / "b" / "folder").mkdir(parents=True)
    for name in ("it.jsonl", "it.parquet", "bare"):
        (tmp_path / "b" / name).touch()
    return (tmp_path / "a", tmp_path / "b")


def test_a_name_is_a_file_a_folder_or_an_id(search):
    found = {name: source(name, "train", search) for name in ("it.jsonl", "it.parquet", "bare", "folder", "org/x:y")}
    assert found == {
        "it.jsonl": JsonLines(search[1] / "it.jsonl"),
        "it.parquet": Parquet(search[1] / "it.parquet"),
        "bare": JsonLines(search[1] / "bare"),
        "folder": Table(str(search[1] / "folder"), "train"),
        "org/x:y": Table("org/x:y", "train"),
    }


@pytest.mark.parametrize("name", ["none.jsonl", "./none", "a b"])
def test_a_name_that_is_none_of_these(search, name):
    with pytest.raises(DataError, match=r": not found \(looked for .*a/"):
        source(name, "train", search)


def test_a_folder_that_is_called_like_a_file(search):
    (search[1] / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match=r"folder.jsonl: expected a file$"):
        source("folder.jsonl", "train", search)


def test_the_first_rows_are_conversations(tmp_path):
    rows = [{"prompt": "u", "completion": "a"}, {"prompt": "v", "completion": "b"}, {"prompt": 1}]
    (tmp_path / "d.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    file = JsonLines(tmp_path / "d.jsonl")
    assert [(c.line, c.contents) for c in conversations(file, 2)] == [(1, ("u", "a")), (3, ("v", "b"))]
    with pytest.raises(DataError, match=r"d.jsonl: line 5: prompt: expected text or a list of messages, not 1$"):
        list(conversations(file, None))


def test_lines_that_are_no_json_are_told_with_the_others_up_to_a_bound(tmp_path):
    good = json.dumps({"prompt": "u", "completion": "a"}).encode()
    lines = [b"{", good, b'{"prompt": 1}', b'"\xe9"', *[b"["] * 20]
    (tmp_path / "d.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(DataError) as told:
        list(conversations(JsonLines(tmp_path / "d.jsonl"), None))
    *named, count = str(told.value).splitlines()
    assert [line.split(": ")[1] for line in named] == [f"line {n}" for n in (1, 3, 4, *range(5, 12))]
    assert count == "23 of 24 rows are wrong, 10 of them above"


def test_all_rows_that_are_none_are_named_and_counted(tmp_path):
    rows = [{"prompt": 1}, {"prompt": "u", "completion": "a"}, {"completion": "b"}]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError) as told:
        list(conversations(JsonLines(tmp_path / "d.jsonl"), None))
    first, second, count = str(told.value).splitlines()
    assert "line 1: prompt: expected text or a list of messages, not 1" in first
    assert "line 3: expected messages, or prompt and completion; there is completion" in second
    assert count == "2 of 3 rows are wrong"


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.jsonl.gz", "folder/pairs.tsv"])
def test_files_of_other_kinds_are_told_by_their_names(tmp_path, name):
    """They were read as JSON Lines, and every line was wrong."""
    with pytest.raises(DataError, match=rf"{name}: expected JSON Lines \(.jsonl\) or parquet"):
        source(name, "train", (tmp_path,))


def test_a_row_whose_fields_are_empty_says_so(tmp_path):
    (tmp_path / "d.jsonl").write_text('{"prompt": null, "completion": "a"}')
    with pytest.raises(DataError, match=r"there is prompt \(null\), completion"):
        list(conversations(JsonLines(tmp_path / "d.jsonl"), None))
