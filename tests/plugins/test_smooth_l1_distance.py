"""Smooth L1: its contract, and values by hand on both sides of beta."""

import pytest
import torch

from jepa_core.testing import DistanceContract
from jepa_plugins.smooth_l1_distance import SmoothL1Distance


class TestSmoothL1Contract(DistanceContract):
    def make(self):
        return SmoothL1Distance()


class TestNarrowContract(DistanceContract):
    def make(self):
        return SmoothL1Distance(beta=0.1)


def distance(difference: list[float], beta: float) -> float:
    predicted = torch.tensor([difference]) + 7
    return SmoothL1Distance(beta)(predicted, torch.full_like(predicted, 7)).item()


@pytest.mark.parametrize(
    ("difference", "beta", "expected"),
    [
        ([0.5, -0.5], 1.0, 0.125),  # 0.25 / 2 each
        ([3.0, -3.0], 1.0, 2.5),  # 3 - 1/2 each
        ([1.0, 1.0], 2.0, 0.25),  # 1 / 4
        ([3.0, 1.0], 2.0, (2 + 0.25) / 2),  # one beyond, 3 - 1, one within, 1 / 4
        ([2.0, -2.0], 2.0, 1.0),  # at beta both say beta / 2
        ([0.0, 0.0], 0.5, 0.0),
    ],
)
def test_values_by_hand(difference, beta, expected):
    assert distance(difference, beta) == pytest.approx(expected, abs=1e-6)


def test_far_away_the_gradient_no_longer_grows():
    """Divided by the two components: e / beta within, ± 1 beyond."""
    predicted = torch.tensor([[0.5, -4.0]], requires_grad=True)
    SmoothL1Distance(beta=2.0)(predicted, torch.zeros(1, 2)).sum().backward()
    assert predicted.grad.tolist() == [[0.125, -0.5]]


@pytest.mark.parametrize("beta", [0.0, -1.0])
def test_beta_must_be_positive(beta):
    with pytest.raises(ValueError, match="beta must be above 0"):
        SmoothL1Distance(beta=beta)
