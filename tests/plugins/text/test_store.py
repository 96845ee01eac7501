from __future__ import annotations

import numpy as np
import pytest

from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.store import ARRAYS, LABELLED, MANIFEST, TextSetWriter, read_entry, text_hash
from jepa_plugins.text.tags import TokenRow
from jepa_plugins.text.tokenise import Sample


def row(length: int, branch: int, first: int = 0) -> TokenRow:
    ids = np.arange(first, first + length)
    return TokenRow(ids, np.full(length, 3), ids % 2 == 1, branch)


def sample(length: int, answer: str = "a") -> Sample:
    return Sample(row(length, 1), row(2, 1, first=70_000), Conversation(("user", "assistant"), ("q", answer)))


@pytest.fixture
def folder(tmp_path):
    with TextSetWriter(tmp_path) as writer:
        writer.add([sample(3, "é")])
        writer.add([])
        writer.add([sample(1, ""), sample(4, "b")])
        writer.tally["cut"] = 2
    return tmp_path


def array(folder, name):
    return np.fromfile(folder / name, ARRAYS[name]).tolist()


def test_samples_stand_one_behind_another(folder):
    assert array(folder, "row_tokens") == [0, 1, 2, 0, 0, 1, 2, 3]
    assert array(folder, "row_tags") == [3, 3 + LABELLED, 3, 3, 3, 3 + LABELLED, 3, 3 + LABELLED]
    assert array(folder, "row_starts") == [0, 3, 4, 8]
    assert array(folder, "row_branch") == [1, 1, 1]
    assert array(folder, "alone_tokens") == [70_000, 70_001] * 3
    assert array(folder, "alone_starts") == [0, 2, 4, 6]


def test_answers_and_hashes_of_text(folder):
    assert bytes(array(folder, "answer_text")).decode() == "éb"
    assert array(folder, "answer_starts") == [0, 2, 2, 3]
    assert array(folder, "question_hash") == [text_hash(b"q")] * 3
    assert len(set(array(folder, "answer_hash"))) == 3


def test_what_is_told_of_a_set(folder):
    entry = read_entry(folder)
    assert (entry.samples, entry.longest, entry.tally) == (3, 4, {"cut": 2})
    assert set(entry.bytes) == set(ARRAYS)


def test_a_set_that_was_not_finished_is_none(tmp_path):
    with pytest.raises(KeyboardInterrupt), TextSetWriter(tmp_path) as writer:
        writer.add([sample(3)])
        raise KeyboardInterrupt
    assert read_entry(tmp_path) is None


@pytest.mark.parametrize("name", ARRAYS)
def test_a_set_with_a_file_of_another_size_is_none(folder, name):
    (folder / name).write_bytes(b"x" * (folder / name).stat().st_size + b"x")
    assert read_entry(folder) is None
    (folder / name).unlink()
    assert read_entry(folder) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"samples": 1}', "null"])
def test_something_that_is_no_manifest(folder, text):
    (folder / MANIFEST).write_text(text)
    assert read_entry(folder) is None
