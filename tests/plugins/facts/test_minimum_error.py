"""The cut between two populations, and no cut where there is one."""

import math
from random import Random

import pytest
import torch

from jepa_plugins.facts.minimum_error import minimum_error, uppermost


def normal(count: int, mean: float, spread: float, seed: int = 0) -> torch.Tensor:
    return mean + spread * torch.randn(count, generator=torch.Generator().manual_seed(seed)).double()


def slow(values: list[float]) -> float:
    """Kittler and Illingworth's criterion by a loop over all cuts that leave one in a hundred on either side."""
    ordered, n = sorted(values), len(values)
    margin = max(3, math.ceil(n / 100))

    def part(side: list[float]) -> float:
        mean = sum(side) / len(side)
        variance = sum((v - mean) ** 2 for v in side) / len(side)
        return len(side) / n * (math.log(variance) / 2 - math.log(len(side) / n))

    costs = {cut: part(ordered[:cut]) + part(ordered[cut:]) for cut in range(margin, n - margin + 1)}
    return ordered[min(costs, key=lambda cut: costs[cut])]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
def test_equals_the_slow_loop_on_mixtures_that_overlap(seed):
    """Near enough to one another for the cut to hang on the sizes and spreads of both."""
    draw = Random(seed)
    sizes = draw.randint(100, 300), draw.randint(20, 100)
    spreads = draw.uniform(0.2, 0.5), draw.uniform(0.2, 0.5)
    apart = draw.uniform(2.2, 3.5) * sum(spreads)
    values = torch.cat([normal(sizes[0], 0, spreads[0], seed), normal(sizes[1], apart, spreads[1], seed + 99)])
    assert minimum_error(values) == pytest.approx(slow(values.tolist()), abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_of_three_populations_the_uppermost(seed):
    """Two of three are above the best cut into two."""
    low, guessed, known = (
        normal(2000, 0.6, 0.1, seed),
        normal(600, 1.4, 0.07, seed + 9),
        normal(200, 1.75, 0.05, seed + 7),
    )
    values = torch.cat([low, guessed, known])
    assert float(low.quantile(0.99)) < minimum_error(values) < float(guessed.quantile(0.01))
    kept = values >= uppermost(values)
    assert int(kept.sum()) == pytest.approx(200, abs=10)
    assert int(kept[-200:].sum()) >= 190


def test_of_four_populations_the_uppermost():
    parts = [normal(count, mean, 0.05, count) for count, mean in ((4000, 0.0), (1500, 1.0), (500, 1.6), (150, 2.0))]
    assert float(parts[2].max()) < uppermost(torch.cat(parts)) == pytest.approx(float(parts[3].min()))


@pytest.mark.parametrize("seed", range(6))
def test_of_two_the_uppermost_is_the_upper_one(seed):
    torch.manual_seed(seed)
    skewed = 0.5 + 0.5 * torch.distributions.Beta(5.0, 2.0).sample((200,)).double()
    values = torch.cat([normal(2400, 0.3, 0.05, seed), skewed])
    assert uppermost(values) == minimum_error(values)
    assert uppermost(values[:2400]) is None


def test_far_apart_it_tells_who_is_who():
    low, high = normal(2400, 1.0, 0.15), normal(200, 1.95, 0.03, 1)
    cut = minimum_error(torch.cat([high, low]))
    assert float(low.max()) < cut <= float(high.min())


def test_by_hand_the_cut_is_the_lowest_of_the_upper_ones():
    values = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 9.0, 9.1, 9.2, 9.3, 9.4])
    assert minimum_error(values) == pytest.approx(9.0)


@pytest.mark.parametrize(
    "values",
    [
        *(normal(2600, 1, 0.2, seed) for seed in range(5)),
        *(torch.rand(2600, generator=torch.Generator().manual_seed(seed)) for seed in range(5)),
        *(-torch.rand(2600, generator=torch.Generator().manual_seed(seed)).log() for seed in range(5)),
        torch.ones(100),
        torch.tensor([0.0, 1.0]),
        torch.tensor([]),
        torch.tensor([0.0] * 50 + [float("nan")] * 50),
    ],
    ids=lambda values: f"{len(values)}",
)
def test_one_population_has_no_cut(values):
    assert minimum_error(values) is None


def test_scale_and_order_do_not_matter():
    values = torch.cat([normal(300, 0, 1), normal(60, 9, 1, 1)])
    assert minimum_error(values * 1e-3 + 5) == pytest.approx(minimum_error(values.flip(0)) * 1e-3 + 5, rel=1e-9)
