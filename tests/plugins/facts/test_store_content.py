"""Tasks that somebody changed and whose hashes he put right."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.pack import pack_folder
from jepa_plugins.facts.store import verify_packed
from jepa_plugins.facts.store_manifest import MANIFEST
from tests.plugins.facts.specimen import contents, write


@pytest.fixture
def folder(tmp_path):
    pack_folder(write(tmp_path / "task", contents()), tmp_path / "packed")
    return tmp_path / "packed"


def craft(folder, array: str, place: int, value: int) -> None:
    """Changes a number of the training set, and the hash."""
    path = folder / f"train.{array}"
    values = np.fromfile(path, array.partition(".")[2])
    values[place] = value
    values.tofile(path)
    data = json.loads((folder / MANIFEST).read_text())
    data["train"]["arrays"][array.partition(".")[0]]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(data))


def test_what_was_packed_is_whole(folder):
    verify_packed(folder)


@pytest.mark.parametrize(
    ("array", "place", "value", "words"),
    [
        ("tokens.int32", 0, 9, "fact 0: expected a token of the head, not '<mask>' \\(9\\)"),
        ("tokens.int32", 0, 12, "fact 0: expected a token of the head, not '<pad>' \\(12\\)"),
        ("tokens.int32", 1, 3, "fact 0: expected a token of the relation, not '<w_3>' \\(3\\)"),
        ("tokens.int32", 2, 3, "fact 0: expected a token of the mask, not '<w_3>' \\(3\\)"),
        ("tokens.int32", -1, 10, "fact 2: expected a token of the tail, not '<r>' \\(10\\)"),
        ("tokens.int32", 7, 10**9, "fact 1: there is an id that is none of the vocabulary's"),
        ("types.uint8", 0, 1, "expected the types that the manifest counts"),
        ("types.uint8", 0, 9, "fact 0: its type is none that there is"),
        ("starts.int64", 0, 1, "fact 0: expected a token of the head, not '<r>' \\(10\\)"),
        ("starts.int64", -1, 15, "fact 2: "),
        ("starts.int64", -1, 10**15, "fact 2: it can't begin and end there"),
        ("heads.int16", 2, 2, "fact 2: expected a token of the relation, not"),
    ],
)
def test_what_is_none_that_was_packed_is_told_with_its_fact(folder, array, place, value, words):
    craft(folder, array, place, value)
    with pytest.raises(DataError, match=rf"packed/train\.\w+\.\w+: {words}"):
        verify_packed(folder)


def test_facts_that_do_not_fill_their_file(folder):
    """The last one is a token shorter than it was: a tail of two became one of one."""
    data = contents()
    data["train.json"][0], data["train.json"][2] = data["train.json"][2], data["train.json"][0]
    other = folder.parent / "other"
    pack_folder(write(folder.parent / "task2", data), other)
    craft(other, "starts.int64", -1, 15)
    with pytest.raises(DataError, match=r"train\.starts\.int64: expected facts from 0 to 16, they go from 0 to 15"):
        verify_packed(other)


def test_a_longest_fact_that_there_is_not(folder):
    data = json.loads((folder / MANIFEST).read_text())
    data["train"]["longest"] = 7
    (folder / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(DataError, match=r"tokens\.int32: expected a longest fact of 7 tokens, it has 6"):
        verify_packed(folder)
