"""The Euclidean distance: its contract, and values by hand."""

import pytest
import torch

from jepa_core.testing import DistanceContract
from jepa_plugins.l2_distance import L2Distance


class TestL2Contract(DistanceContract):
    def make(self):
        return L2Distance()


def test_values_by_hand():
    """(3, 4, 0) is 5 long, (1, 2, -2) is 3 long; nothing is divided by the number of components."""
    predicted = torch.tensor([[3.0, 4.0, 0.0], [2.0, 3.0, -1.0], [1.0, 1.0, 1.0]])
    target = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    assert L2Distance()(predicted, target).tolist() == pytest.approx([5.0, 3.0, 0.0])


def test_gradient_is_the_unit_vector_away_from_the_target_and_zero_at_it():
    predicted = torch.tensor([[3.0, 4.0], [1.0, 1.0]], requires_grad=True)
    L2Distance()(predicted, torch.tensor([[0.0, 0.0], [1.0, 1.0]])).sum().backward()
    torch.testing.assert_close(predicted.grad, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
