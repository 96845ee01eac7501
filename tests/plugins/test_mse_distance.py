"""The mean squared difference: its contract, and values by hand."""

import pytest
import torch

from jepa_core.testing import DistanceContract
from jepa_plugins.mse_distance import MseDistance


class TestMseContract(DistanceContract):
    def make(self):
        return MseDistance()


def test_values_by_hand():
    """(1 + 4 + 9 + 0) / 4 and (4 + 0 + 0 + 0) / 4: a mean over the components, not a sum."""
    predicted = torch.tensor([[1.0, 2.0, 3.0, 4.0], [2.0, 0.0, 0.0, 0.0]])
    target = torch.tensor([[0.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    assert MseDistance()(predicted, target).tolist() == pytest.approx([3.5, 1.0])


def test_gradient_by_hand():
    """2 (p - t) / d: with p - t = (1, -3), d = 2, that is (1, -3)."""
    predicted = torch.tensor([[1.0, -3.0]], requires_grad=True)
    MseDistance()(predicted, torch.zeros(1, 2)).sum().backward()
    assert predicted.grad.tolist() == [[1.0, -3.0]]
