"""What is summed between two log lines."""

from __future__ import annotations

import time

import pytest
import torch

from jepa_core.objective.objective import ObjectiveOutput
from jepa_core.training.window import LossWindow, StepCounts
from tests.core.training.test_trainer import train
from tests.support import SAMPLES


def test_tokens_per_second_of_training(monkeypatch):
    """Two steps of 100 and 60 tokens from second 10 to 22, of which 4 went into an evaluation: 160 / 8."""
    window = LossWindow()
    window.start_step(StepCounts(labels=4, pairs=2, tokens=100), began=10.0)
    window.leave_out(4.0)
    window.start_step(StepCounts(labels=4, pairs=2, tokens=60), began=19.0)
    monkeypatch.setattr(time, "monotonic", lambda: 22.0)
    assert window.means(torch.device("cpu"))["tokens_per_second"] == 20.0


def test_an_evaluation_is_left_out(tmp_path, monkeypatch):
    trainer, clock = train(tmp_path, SAMPLES), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    trainer.evaluate_splits = lambda: clock.append(clock.pop() + 7) or {}
    trainer.window.began = 10.0
    trainer.evaluate()
    assert trainer.window.began == 17.0


def test_means_a_label_and_a_pair():
    """Losses come in divided by their step's counts: 4 labels of 1.5 and 12 of 0.5; 2 pairs of 3 and none."""
    window = LossWindow()
    first, second = StepCounts(4, 2, 10), StepCounts(12, 0, 10)
    window.start_step(first, time.monotonic())
    window.add(ObjectiveOutput(torch.tensor(0.0), torch.tensor(1.5), torch.tensor(3.0), 2), first)
    window.start_step(second, time.monotonic())
    window.add(ObjectiveOutput(torch.tensor(0.0), torch.tensor(0.5), None, 0), second)
    logs = window.means(torch.device("cpu"))
    assert (logs["ntp_loss"], logs["jepa_loss"], logs["jepa_pairs"]) == pytest.approx((0.75, 3.0, 1.0))


def test_without_a_pair_the_key_is_left_out():
    window = LossWindow()
    window.start_step(StepCounts(1, 0, 1), time.monotonic())
    assert "jepa_loss" not in window.means(torch.device("cpu"))
