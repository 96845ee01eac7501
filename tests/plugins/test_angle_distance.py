"""The angle: its contract, and values by hand."""

from __future__ import annotations

import math

import pytest
import torch

from jepa_core.testing import DistanceContract
from jepa_plugins.angle_distance import AngleDistance


class TestAngleContract(DistanceContract):
    def make(self):
        return AngleDistance()


def test_values_by_hand():
    predicted = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 2.0], [1.0, 0.0]])
    target = torch.tensor([[7.0, 0.0], [1.0, 1.0], [0.0, 5.0], [-1.0, -2.0], [1.0, math.sqrt(3)]])
    expected = [0.0, math.pi / 4, math.pi / 2, math.pi, math.pi / 3]
    assert AngleDistance()(predicted, target).tolist() == pytest.approx(expected, abs=2e-3)


def test_the_gradient_is_finite_where_both_are_one():
    predicted = torch.tensor([[1.0, 1.0]], requires_grad=True)
    AngleDistance()(predicted, torch.tensor([[2.0, 2.0]])).sum().backward()
    assert predicted.grad.isfinite().all()


@pytest.mark.parametrize("eps", [0.0, 1.0, -1e-6])
def test_eps_is_small_and_above_zero(eps):
    with pytest.raises(ValueError, match="eps must be between"):
        AngleDistance(eps)
