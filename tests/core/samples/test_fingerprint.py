from __future__ import annotations

import pytest
import torch

from jepa_core.samples import fingerprint as module
from jepa_core.samples.fingerprint import changed, fingerprint, moved

TOKENS = {"a": 0, "b": 1}


class Numbers:
    """A set whose samples are given; counts what is read of it."""

    def __init__(self, *values: int):
        self.values, self.read = torch.tensor(values), 0

    def __len__(self) -> int:
        return len(self.values)

    def __getitems__(self, rows):
        self.read += len(rows)
        rows = torch.tensor(list(rows))
        return {"input_ids": self.values[rows, None], "index": rows, "note": "no tensor"}


def of(*values: int, tokens=TOKENS, **evaluation) -> module.Fingerprint:
    return fingerprint(Numbers(*values), evaluation, tokens)


def test_the_same_data_are_the_same():
    assert of(1, 2, 3) == of(1, 2, 3)
    assert changed(of(1, 2, 3), of(1, 2, 3)) == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (of(1, 2, 4, test=Numbers(5)), ["train"]),
        (of(1, 3, 2, test=Numbers(5)), ["train"]),
        (of(1, 2, test=Numbers(5)), ["train (3 before, 2 now)"]),
        (of(1, 2, 3, test=Numbers(6)), ["evaluation.test"]),
        (of(1, 2, 3, test=Numbers(5), more=Numbers(1)), ["evaluation.more (none before, 1 now)"]),
        (of(1, 2, 3), ["evaluation.test (1 before, none now)"]),
        (of(1, 2, 3, test=Numbers(5), tokens={"a": 1, "b": 0}), ["vocabulary"]),
        (of(0, tokens={}, test=Numbers(5)), ["train (3 before, 1 now)", "vocabulary (2 before, 0 now)"]),
    ],
)
def test_what_changed_is_named_with_its_size(now, words):
    assert changed(of(1, 2, 3, test=Numbers(5)), now) == words


@pytest.mark.parametrize("before", [None, [], "text", 3])
def test_what_was_not_noted_did_not_change(before):
    assert changed(before, of(1)) == []


def test_a_damaged_note_is_another_one():
    assert changed({"train": 3, "vocabulary": None}, of(1)) == [
        "train (none before, 1 now)",
        "vocabulary (none before, 2 now)",
    ]


def test_long_sets_are_looked_at_here_and_there(monkeypatch):
    monkeypatch.setattr(module, "LOOKED_AT", 10)
    monkeypatch.setattr(module, "PART", 4)
    whole, same, other = Numbers(*range(95)), Numbers(*range(95)), Numbers(*range(95))
    same.values[31] = other.values[90] = -1
    before = fingerprint(whole, {}, TOKENS)
    assert whole.read == 10
    assert changed(before, fingerprint(same, {}, TOKENS)) == []
    assert changed(before, fingerprint(other, {}, TOKENS)) == ["train"]


def test_a_set_may_say_it_itself():
    class Own(Numbers):
        fingerprint = "its own"

        def __getitems__(self, rows):
            raise AssertionError("read")

    assert fingerprint(Own(1, 2), {}, TOKENS)["train"] == {"size": 2, "sha256": "its own"}


def test_an_empty_set_is_a_set():
    assert fingerprint(Numbers(), {}, TOKENS)["train"]["size"] == 0


def test_names_that_moved():
    before = {"a": 0, "b": 1, "c": 2}
    assert moved(before, {"a": 0, "b": 2, "c": 1}) == ["b", "c"]
    assert moved(before, {"a": 0, "b": 1, "c": 2, "d": 3}) == []
    assert moved(before, {"a": 0}) == []  # gone is not moved


@pytest.mark.parametrize("size", ["many", [3], {"a": 1}, None])
def test_a_size_that_is_no_number_is_none(size):
    before = {**of(1, 2, 3), "train": {"size": size, "sha256": "x"}}
    assert changed(before, of(1, 2, 3)) == ["train (none before, 3 now)"]
