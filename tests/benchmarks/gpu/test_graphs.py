"""The figures of a captured step, and the words on one that can't be captured."""

from __future__ import annotations

import pytest
import torch

from benchmarks.gpu import graphs
from benchmarks.gpu.graphs import replayed
from benchmarks.gpu.sizes import TINY


def test_a_replay_is_timed_and_its_loss_held_against_the_eager_one(monkeypatch):
    """The loss that a replay leaves is that of the weights before it."""
    weight, left = torch.tensor(4.0), torch.tensor(0.0)

    def replay() -> None:
        left.copy_(weight)
        weight.mul_(0.5)

    monkeypatch.setattr(graphs, "captured", lambda step: (replay, left))
    row = replayed(lambda: left, lambda: weight, 10.0, TINY)
    assert set(row) == {"graph ms", "times eager", "loss off by"}
    assert float(row["loss off by"]) == 0.0


def test_what_a_capture_breaks_on_is_told_with_its_place(monkeypatch):
    def broken(step):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(graphs, "captured", broken)
    row = replayed(lambda: torch.zeros(()), lambda: torch.zeros(()), 10.0, TINY)
    assert list(row) == ["not captured"]
    assert row["not captured"].startswith(
        "RuntimeError: operation not permitted when stream is capturing at test_graphs.py:"
    )


def test_a_replay_that_differs_shows_it(monkeypatch):
    monkeypatch.setattr(graphs, "captured", lambda step: (lambda: None, torch.tensor(3.0)))
    row = replayed(lambda: torch.zeros(()), lambda: torch.tensor(2.0), 10.0, TINY)
    assert float(row["loss off by"]) == pytest.approx(0.5)
