"""Finding out whether any pair of a run can ever count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jepa_core.assembly import counting
from jepa_core.assembly.counting import silent_terms
from jepa_core.objective.schedule import Schedule
from jepa_plugins.loss_dropout import LossDropout
from tests.support import SAMPLES, small_model, small_objective, small_set
from tests.tiny_runs import run_tiny

ATOMIC = [sample for sample in SAMPLES if sample[4] == "atomic"]


class Odd:
    """Drops at random in training, and does not say at what rate."""

    training_only = True

    def __init__(self, kept: float):
        self.kept = kept

    def __call__(self, eligible, batch, draws):
        return eligible & (draws < self.kept)


def silent(*filters, samples=SAMPLES, steps=None, **term):
    objective = small_objective(small_model())
    first = objective.spec.terms[0]
    changed = replace(first, filters=(*first.filters, *filters), **term)
    objective.planner.spec = objective.spec = replace(objective.spec, terms=(changed,))
    return silent_terms(objective, small_set(samples), steps)


def test_pairs_that_may_count():
    assert silent() == {}
    assert silent(LossDropout(0.999)) == {}
    assert silent(Odd(0.5)) == {}


@pytest.mark.parametrize("level", ["sample", "step"])
def test_a_rate_of_one(level):
    assert silent(LossDropout(1.0, level)) == {"jepa": "LossDropout drops every pair: its rate is 1"}


def test_filters_that_leave_nobody():
    assert silent(samples=ATOMIC) == {"jepa": "of 2 training samples the filters leave none"}


def test_all_of_a_set_is_looked_through(monkeypatch):
    """The one that counts is none of the first of its group."""
    monkeypatch.setattr(counting, "PART", 4)

    class Last:
        def __call__(self, eligible, batch, draws):
            return eligible & (batch["index"] == 9)

    many = [SAMPLES[0]] * 10
    assert silent(Last(), samples=many) == {}
    monkeypatch.setattr(counting, "LOOKED_THROUGH", 8)
    assert silent(Last(), samples=many) == {"jepa": "of 8 training samples the filters leave none"}


def test_a_filter_that_does_not_say_how_much_it_drops():
    assert silent(Odd(0.0)) == {"jepa": "in 64 steps Odd left none of 3 samples"}


def test_a_term_without_weight_is_asked_for_nothing():
    assert silent(LossDropout(1.0), weight=0.0) == {}


@pytest.mark.parametrize(
    ("weight", "steps", "never"),
    [
        (Schedule(0.0, 1.0, 100, "step"), 100, True),
        (Schedule(0.0, 1.0, 100, "step"), 101, False),
        (Schedule(0.0, 1.0, 100, "linear"), 1, True),
        (Schedule(0.0, 1.0, 100, "linear"), 2, False),
        (Schedule(1.0, 0.0, 100, "step"), 50, False),
        (Schedule(0.0, 1.0, 100, "step"), None, False),
    ],
)
def test_a_weight_that_comes_too_late(weight, steps, never):
    assert silent(weight=weight, steps=steps) == ({"jepa": f"its weight is 0 in all {steps} steps"} if never else {})


def test_the_run_says_so_once_before_it_trains(tmp_path):
    said: list[str] = []
    result = run_tiny(tmp_path / "run", "objective.filters.1.rate=1.0", "training.max_steps=2", say=said.append)
    told = [line for line in said if "no pair can ever count" in line]
    assert told == [
        "warning: jepa: no pair can ever count, so this trains next-token prediction alone: LossDropout drops every "
        "pair: its rate is 1"
    ]
    assert '"jepa_loss"' not in (tmp_path / "run" / "metrics.jsonl").read_text()
    assert result.metrics["test"]["jepa_loss"] is None


def test_an_ordinary_run_does_not(tmp_path):
    said: list[str] = []
    run_tiny(tmp_path / "run", "training.max_steps=1", say=said.append)
    assert not [line for line in said if "warning" in line]
