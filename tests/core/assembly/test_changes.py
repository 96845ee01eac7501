from __future__ import annotations

import json

import pytest

from jepa_core.assembly.changes import data_changes, moved_tokens, noted, version_changes, vocabulary_beside
from jepa_core.folder.run_folder import RunFolder

ENTRY = {"size": 3, "sha256": "x"}


def test_nothing_changed():
    tokens = {"a": 0, "b": 1}
    assert data_changes({"train": ENTRY}, {"train": ENTRY}, tokens, tokens) == ""
    assert data_changes(None, {"train": ENTRY}, {}, tokens) == ""


def test_sets_and_tokens_are_told_together():
    words = data_changes({"train": ENTRY}, {"train": ENTRY | {"size": 4}}, {"a": 0, "b": 1}, {"a": 1, "b": 0})
    assert words == (
        "its data changed since it trained: train (3 before, 4 now); token ids moved, so what was learned of one would "
        "be taken for another's: 'a' was 0 and is 1, 'b' was 1 and is 0"
    )


def test_few_of_many_moved_tokens_are_named():
    before = {str(i): i for i in range(2000)}
    words = moved_tokens(before, {name: token + 1 for name, token in before.items()})
    assert words.endswith("'0' was 0 and is 1, '1' was 1 and is 2, '2' was 2 and is 3 and 1,997 more")
    assert moved_tokens(before, before) == ""


def test_versions():
    now = {"torch": "2", "threads": "2", "new": "1"}
    assert version_changes({"torch": "2", "threads": "1"}, now) == ["threads 1 before, 2 now"]
    assert version_changes(None, now) == []


def test_the_vocabulary_of_the_run_that_a_checkpoint_is_of(tmp_path):
    checkpoint = tmp_path / "run" / "checkpoints" / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    assert vocabulary_beside(checkpoint) == {}
    (tmp_path / "run" / "vocabulary.json").write_text(json.dumps({"token_to_id": {"a": 0}}))
    assert vocabulary_beside(checkpoint) == {"a": 0}


@pytest.mark.parametrize(("text", "expected"), [("seed: 1\n", {}), ("resolved: {a: 1}\n", {"a": 1}), ("[1]\n", {})])
def test_what_a_run_noted(tmp_path, text, expected):
    (tmp_path / "recipe.resolved.yaml").write_text(text)
    assert noted(RunFolder(tmp_path)) == expected
