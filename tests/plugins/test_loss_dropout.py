"""Loss dropout: its contract, the rate at its bounds and between, and the level."""

import pytest
import torch

from jepa_core.components import FilterTraits
from jepa_core.testing import FilterContract
from jepa_plugins.loss_dropout import LossDropout


class TestLossDropoutContract(FilterContract):
    def make(self):
        return LossDropout(rate=0.5)


class TestLossDropoutByStepContract(FilterContract):
    def make(self):
        return LossDropout(rate=0.5, level="step")


def kept(rate: float, draws: list[float]) -> list[bool]:
    draw = torch.tensor(draws)
    return LossDropout(rate)(torch.ones_like(draw, dtype=torch.bool), {}, draw).tolist()


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.0, [True, True, True, True]),
        (0.3, [False, False, True, True]),
        (0.5, [False, False, True, True]),
        (0.75, [False, False, False, True]),
        (1.0, [False, False, False, False]),
    ],
)
def test_drops_where_the_draw_is_below_the_rate(rate, expected):
    """Draws are in [0, 1), so rate 0 drops nothing and rate 1 everything."""
    assert kept(rate, [0.0, 0.25, 0.5, 0.999]) == expected


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_drops_that_share_of_evenly_spread_draws(rate):
    assert sum(kept(rate, (torch.arange(1000) / 1000).tolist())) == round(1000 * (1 - rate))


def test_a_sample_that_was_not_eligible_stays_so():
    eligible = torch.tensor([False, True])
    assert LossDropout(0.0)(eligible, {}, torch.tensor([0.9, 0.9])).tolist() == [False, True]


def test_acts_in_training_only():
    assert FilterTraits.of(LossDropout(0.1)).training_only


@pytest.mark.parametrize("level", ["sample", "step"])
def test_the_level_says_what_a_draw_is_for(level):
    assert FilterTraits.of(LossDropout(0.1, level=level)).draws_per == level


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_the_rate_is_a_probability(rate):
    with pytest.raises(ValueError, match="rate is a probability from 0 to 1"):
        LossDropout(rate)
