"""Sums between two log lines."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from jepa_core.objective.terms import ObjectiveOutput, Term
from jepa_core.training.window import LossWindow, StepCounts
from tests.core.training.test_trainer import train
from tests.support import SAMPLES


def test_tokens_per_second_of_training(monkeypatch):
    """Two steps of 100 and 60 tokens, of 8 and 4 samples, from second 10 to 22, of which 4 went into an evaluation: 160 / 8
    and 12 / 8."""
    window = LossWindow()
    window.start_step(StepCounts({"ntp": 4, "jepa": 2}, samples=8, tokens=100), began=10.0)
    window.leave_out(4.0)
    window.start_step(StepCounts({"ntp": 4, "jepa": 2}, samples=4, tokens=60), began=19.0)
    monkeypatch.setattr(time, "monotonic", lambda: 22.0)
    logs = window.means(torch.device("cpu"))
    assert (logs["tokens_per_second"], logs["samples_per_second"]) == (20.0, 1.5)


def test_an_evaluation_is_left_out(tmp_path, monkeypatch):
    trainer, clock = train(tmp_path, SAMPLES), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    trainer.evaluate_splits = lambda: clock.append(clock.pop() + 7) or {}
    trainer.window.began = 10.0
    trainer.evaluate()
    assert trainer.window.began == 17.0


def output(ntp: float, labels: int, jepa: float | None = None, pairs: int = 0) -> ObjectiveOutput:
    """A micro-batch of these sums."""
    terms = {"ntp": Term(torch.tensor(ntp), labels, 1.0)}
    if jepa is not None:
        terms["jepa"] = Term(torch.tensor(jepa), pairs, 1.0)
    return ObjectiveOutput(torch.tensor(0.0), terms, {name: term.sum / term.count for name, term in terms.items()})


def test_means_a_label_and_a_pair():
    """One step has 4 labels of 1.5 and 2 pairs of 3, the other 12 labels of 0.5 and no pair."""
    window = LossWindow()
    window.start_step(StepCounts({"ntp": 4, "jepa": 2}, 4, 10), time.monotonic())
    window.add(output(4 * 1.5, 4, 2 * 3.0, 2))
    window.start_step(StepCounts({"ntp": 12, "jepa": 0}, 12, 10), time.monotonic())
    window.add(output(12 * 0.5, 12))
    logs = window.means(torch.device("cpu"))
    assert (logs["ntp_loss"], logs["jepa_loss"], logs["jepa_pairs"]) == pytest.approx((0.75, 3.0, 1.0))


def test_every_term_by_its_name():
    """Two micro-batches of one step: 1 pair of 2 and 3 of 4 of one term, 2 of 0.5 of another."""
    window = LossWindow()
    window.start_step(StepCounts({"ntp": 2, "jepa": 4, "other": 2}, 4, 10), time.monotonic())
    window.add(output(1.0, 1, 2.0, 1))
    second = output(1.0, 1, 12.0, 3)
    window.add(replace(second, terms={**second.terms, "other": Term(torch.tensor(1.0), 2, 0.1)}))
    logs = window.means(torch.device("cpu"))
    assert (logs["ntp_loss"], logs["jepa_loss"], logs["other_loss"]) == pytest.approx((1.0, 14 / 4, 0.5))
    assert (logs["jepa_pairs"], logs["other_pairs"]) == (4, 2)


def test_without_a_pair_the_key_is_left_out():
    window = LossWindow()
    window.start_step(StepCounts({"ntp": 1, "jepa": 0}, 1, 1), time.monotonic())
    assert "jepa_loss" not in window.means(torch.device("cpu"))
