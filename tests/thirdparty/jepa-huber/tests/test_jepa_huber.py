import pytest
import torch
from jepa_huber import HuberDistance

from jepa_core.testing import DistanceContract


class TestHuber(DistanceContract):
    def make(self):
        return HuberDistance(delta=0.5)


def test_values_by_hand():
    """Errors 0.4 and 2 at delta 0.5: 0.4² / 2 = 0.08 and 0.5 · (2 - 0.25) = 0.875."""
    distance = HuberDistance(delta=0.5)(torch.tensor([[0.4, 2.0]]), torch.zeros(1, 2))
    assert distance.tolist() == pytest.approx([(0.08 + 0.875) / 2])
