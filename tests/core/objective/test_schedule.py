"""Weights over the steps, by hand; and what a step with a weight of 0 costs."""

from __future__ import annotations

from math import sqrt

import pytest

from jepa_core.objective.schedule import Schedule, ever_counts, weight_at
from tests.support import SAMPLES, small_batch, small_model, small_objective


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [1.0, 1.5, 2.0, 2.5, 3.0, 3.0, 3.0]),
        ("cosine", [1.0, 2 - sqrt(0.5), 2.0, 2 + sqrt(0.5), 3.0, 3.0, 3.0]),
        ("step", [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0]),
    ],
)
def test_from_one_to_three_in_four_steps(shape, expected):
    """Cosine: 1 + 2 · (1 - cos(π s / 4)) / 2."""
    schedule = Schedule(1.0, 3.0, 4, shape)
    assert [schedule.at(step) for step in (0, 1, 2, 3, 4, 5, 100)] == pytest.approx(expected)
    back = Schedule(3.0, 1.0, 4, shape)
    assert [4 - back.at(step) for step in (0, 1, 2, 3, 4, 5, 100)] == pytest.approx(expected)


def test_a_number_is_a_weight_too():
    assert [weight_at(0.3, step) for step in (0, 7)] == [0.3, 0.3]
    assert weight_at(Schedule(0.0, 1.0, 4), 1) == 0.25
    assert [ever_counts(weight) for weight in (0.0, 0.1, Schedule(0, 0, 1), Schedule(0, 1, 1), Schedule(1, 0, 1))] == [
        False,
        True,
        False,
        True,
        True,
    ]


def test_the_loss_of_each_step_has_its_weight():
    objective = small_objective(small_model(), lambda_jepa=Schedule(0.5, 2.5, 4), gamma_ntp=0.7)
    for step, weight in enumerate([0.5, 1.0, 1.5, 2.0, 2.5, 2.5]):
        out = objective(**small_batch(), step=step)
        assert out.terms["jepa"].weight == objective.weight("jepa", step) == weight
        assert objective.weight("ntp", step) == 0.7
        assert out.loss.item() == pytest.approx(0.7 * out.ntp_loss.item() + weight * out.jepa_loss.item(), rel=1e-6)


def test_while_the_weight_is_0_no_second_view_is_made():
    objective = small_objective(small_model(), lambda_jepa=Schedule(0.0, 1.0, 2, "step"))
    pairs = [objective.plan(small_batch(), step).jepa_pairs for step in range(4)]
    assert pairs == [0, 0, 3, 3]
    first = objective.plan(small_batch(), 0)
    assert (len(first.blocks), first.tokens) == (1, sum(len(h) + len(t) + 2 for h, _, _, t, _ in SAMPLES))
    assert objective(**small_batch()).jepa_loss is None


def test_the_log_has_the_weight_of_its_step(tmp_path):
    from tests.core.training.test_trainer import train

    objective = small_objective(small_model(), lambda_jepa=Schedule(0.0, 1.0, 4))
    logs = train(tmp_path, SAMPLES, objective=objective, learning_rate=0.0, max_steps=6).state.log_history[:6]
    assert [log["jepa_weight"] for log in logs] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert [log["jepa_pairs"] > 0 for log in logs] == [False, True, True, True, True, True]
    for log in logs[1:]:
        assert log["loss"] == pytest.approx(log["ntp_loss"] + log["jepa_weight"] * log["jepa_loss"], rel=1e-5)
    constant = train(tmp_path, SAMPLES).state.log_history[0]
    assert "jepa_weight" not in constant
