"""Variance and covariance: the contract, and a matrix of three embeddings by hand."""

import pytest
import torch

from jepa_core.components import RegularizerTraits
from jepa_core.samples.draws import Draws
from jepa_core.testing import RegularizerContract
from jepa_plugins.variance_covariance import VarianceCovariance


class TestVarianceCovarianceContract(RegularizerContract):
    def make(self):
        return VarianceCovariance()


class TestVarianceContract(RegularizerContract):
    def make(self):
        return VarianceCovariance(covariance=0.0)


DRAWS = Draws(0, 0, torch.zeros(0, dtype=torch.int64))
#: The means are (1/2, 1); less them (-1/2, -1), (1/2, 1), (0, 0). Over n - 1 = 2 the covariance matrix is
#: [[1/4, 1/2], [1/2, 1]].
THREE = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.5, 1.0]])


@pytest.mark.parametrize(
    ("variance", "covariance", "eps", "expected"),
    [
        (1.0, 0.0, 1e-12, (1 / 2 + 0) / 2),  # deviations 1/2 and 1
        (0.0, 1.0, 1e-12, (1 / 4 + 1 / 4) / 2),  # two entries of 1/2 squared, over d
        (2.0, 4.0, 1e-12, 2 / 4 + 4 / 4),
        (1.0, 0.0, 0.75, 0.0),  # deviations of 1 and more
        (1.0, 0.0, 0.11, (1 - 0.6) / 2),  # √(1/4 + 0.11) = 0.6
    ],
)
def test_values_by_hand(variance, covariance, eps, expected):
    found = VarianceCovariance(variance=variance, covariance=covariance, eps=eps)(THREE, DRAWS)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_where_the_embeddings_are_does_not_matter():
    of = VarianceCovariance()
    assert of(THREE + 100, DRAWS).item() == pytest.approx(of(THREE, DRAWS).item(), abs=1e-5)


def test_fewer_than_two_have_no_variance():
    assert VarianceCovariance()(THREE[:1], DRAWS).item() == 0
    assert VarianceCovariance()(THREE[:0], DRAWS).item() == 0


def test_says_its_weight_and_its_side():
    made = VarianceCovariance(weight=3.0, of="target")
    assert RegularizerTraits.of(made) == RegularizerTraits(weight=3.0, of_side="target")


@pytest.mark.parametrize("options", [{"weight": 0}, {"variance": -1}, {"variance": 0, "covariance": 0}])
def test_refuses_what_regularizes_nothing(options):
    with pytest.raises(ValueError, match="weight must be above 0, variance and covariance at least 0 and not both 0"):
        VarianceCovariance(**options)
