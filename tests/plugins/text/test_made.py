"""Pairs that the project makes itself, as a source of rows."""

from __future__ import annotations

import pytest

from jepa_core import DataError
from jepa_plugins.text.made import made
from jepa_plugins.text.sources import conversations, source


def test_the_parts_are_apart_and_the_same_each_time():
    train, test = (list(made("made:regex", part)) for part in ("train", "test"))
    assert (len(train), len(test)) == (6000, 500)
    asked = [{row["messages"][0]["content"] for _, row in rows} for rows in (train, test)]
    assert not asked[0] & asked[1]
    assert [number for number, _ in test][:3] == [1, 2, 3]


def test_it_is_a_source_like_any():
    rows = source("made:regex", "test", ())
    first = next(conversations(rows, 1))
    assert first.contents[0].startswith("lines ")
    assert rows.where(7) == "made:regex: test: pair 7"


def test_what_is_not_made_is_told():
    with pytest.raises(DataError, match="there is only made:regex"):
        made("made:sql", "train")
    with pytest.raises(DataError, match="has the parts train and test, not 'valid'"):
        made("made:regex", "valid")
