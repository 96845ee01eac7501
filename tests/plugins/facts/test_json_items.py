from __future__ import annotations

import gc
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts import json_items
from jepa_plugins.facts.json_items import read_items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def items(path) -> list:
    return [item for part in read_items(path) for item in part]


@settings(deadline=None, max_examples=150)
@given(st.lists(VALUES, max_size=12), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_what_json_reads_wherever_the_text_is_cut(tmp_path_factory, values, at_once, indent, ascii_only):
    path = tmp_path_factory.mktemp("items") / "list.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "READ", at_once)
        patch.setattr(json_items, "ITEMS", 3)
        parts = list(read_items(path))
    assert [item for part in parts for item in part] == values
    assert all(len(part) == 3 for part in parts[:-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"line 1, column 1: expected a list; is the file cut off\?"),
        ('{"a": []}', r"line 1, column 1: expected a list, not "),
        ("[1, 2", r"line 1, column 6: expected ',' or '\]'; is the file cut off\?"),
        ("[1, 2,\n 3 4]", r"line 2, column 4: expected ',' or '\]', not "),
        ("[1,]", r"line 1, column 4: expected JSON: Expecting value, not "),
        ('[{"a": 1},\n {"b": }]' + " " * 100, r"line 2, column 8: expected JSON: Expecting value, not "),
        ('[{"a": "x', r"line 1, column 8: expected JSON: Unterminated string"),
        ("[1] 2", r"line 1, column 5: expected the end of the file, not "),
    ],
)
@pytest.mark.parametrize("at_once", [1 << 22, 3])
def test_what_is_wrong_is_named_with_line_and_column(tmp_path, monkeypatch, text, expected, at_once):
    monkeypatch.setattr(json_items, "READ", at_once)
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"^{path}: {expected}"):
        items(path)


@pytest.mark.parametrize(
    ("text", "expected"), [("[" * 100_000, "maximum recursion"), ("[" + "9" * 5000 + "]", "Exceeds the limit")]
)
def test_what_json_itself_gives_up_on(tmp_path, text, expected):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(DataError, match=f"^{path}: line 1, column 2: expected JSON: {expected}"):
        items(path)


def test_no_more_is_read_than_needed_to_see_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr(json_items, "READ", 64)
    path = tmp_path / "list.json"
    path.write_text('[{"a": }' + ", 1" * 100_000 + "]")
    reads = []
    more = json_items._Reader._more
    monkeypatch.setattr(json_items._Reader, "_more", lambda self: reads.append(1) or more(self))
    with pytest.raises(DataError, match="column 8"):
        items(path)
    assert len(reads) == 1


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="can't be read: No such file"):
        items(tmp_path / "nowhere.json")
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(DataError, match="line 1: expected UTF-8 text: "):
        items(tmp_path / "latin.json")


def test_the_collector_is_on_again_afterwards(tmp_path):
    (tmp_path / "list.json").write_text("[1, 2]")
    parts = read_items(tmp_path / "list.json")
    next(parts)
    del parts
    assert gc.isenabled()
