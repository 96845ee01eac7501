"""The cosine distance: its contract, and values by hand."""

import math

import pytest
import torch

from jepa_core.testing import DistanceContract
from jepa_plugins.cosine_distance import CosineDistance


class TestCosineContract(DistanceContract):
    def make(self):
        return CosineDistance()


def test_values_by_hand():
    """Parallel 0, 45 degrees 1 - 1/sqrt 2, right angle 1, (3, 4) and (4, 3) 1 - 24/25, opposite 2."""
    predicted = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [3.0, 4.0], [1.0, 2.0]])
    target = torch.tensor([[7.0, 0.0], [1.0, 1.0], [0.0, 5.0], [4.0, 3.0], [-1.0, -2.0]])
    expected = [0.0, 1 - 1 / math.sqrt(2), 1.0, 0.04, 2.0]
    assert CosineDistance()(predicted, target).tolist() == pytest.approx(expected, abs=1e-6)


def test_length_does_not_matter():
    predicted, target = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 0.0, -1.0]])
    expected = CosineDistance()(predicted, target).item()
    assert CosineDistance()(10 * predicted, 0.5 * target).item() == pytest.approx(expected, abs=1e-6)


def test_a_zero_vector_has_distance_one():
    assert CosineDistance()(torch.zeros(1, 3), torch.ones(1, 3)).tolist() == [1.0]


def test_eps_bounds_the_norms_from_below():
    """Norms 0.1 and 1, dot product 0.1, eps 0.5: the first norm counts as 0.5, so the cosine is 0.2."""
    predicted, target = torch.tensor([[0.1, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert CosineDistance(eps=0.5)(predicted, target).item() == pytest.approx(0.8)


@pytest.mark.parametrize("eps", [0.0, -1e-8, 1.5, float("nan"), float("inf"), 1e300])
def test_eps_must_be_positive(eps):
    with pytest.raises(ValueError, match="eps must be above 0"):
        CosineDistance(eps=eps)
