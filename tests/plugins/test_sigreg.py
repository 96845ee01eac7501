"""Sketched isotropic Gaussian regularization: its contract, against a slow loop, and where it is small."""

import cmath
import math
from itertools import pairwise

import pytest
import torch

from jepa_core.components import RegularizerTraits
from jepa_core.samples.draws import Draws
from jepa_core.testing import RegularizerContract
from jepa_plugins.sigreg import SigReg


class TestSigRegContract(RegularizerContract):
    def make(self):
        return SigReg()


def draws(step: int = 0) -> Draws:
    return Draws(5, step, torch.zeros(0, dtype=torch.int64))


def normal(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def slow(embeddings: torch.Tensor, directions: torch.Tensor, knots: int, reach: float) -> float:
    """A loop over directions, points and embeddings: n ∫ |φ(t) - exp(-t²/2)|² exp(-t²/2) dt, by trapezoids."""
    n, width = len(embeddings), 2 * reach / (knots - 1)
    points = [-reach + width * i for i in range(knots)]
    total = 0.0
    for direction in directions.T.double():
        unit = direction / direction.norm()
        values = []
        for t in points:
            phi = sum(cmath.exp(1j * t * float(row.double() @ unit)) for row in embeddings) / n
            values.append(abs(phi - math.exp(-(t**2) / 2)) ** 2 * math.exp(-(t**2) / 2))
        total += n * sum(width * (a + b) / 2 for a, b in pairwise(values))
    return total / directions.shape[1]


@pytest.mark.parametrize(("directions", "knots", "reach"), [(3, 17, 5.0), (5, 4, 2.0)])
@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_equals_the_slow_loop(directions, knots, reach, shift):
    embeddings = normal(6, 4) + shift
    found = SigReg(directions=directions, knots=knots, reach=reach)(embeddings, draws())
    expected = slow(embeddings, draws().normal(4, directions), knots, reach)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_one_embedding_at_zero_by_hand():
    """φ is 1 everywhere. Points -1, 0, 1 with weights 1/2, 1, 1/2: 2 · 1/2 · (1 - e^(-1/2))² e^(-1/2), and 0 at t = 0."""
    found = SigReg(directions=2, knots=3, reach=1.0)(torch.zeros(1, 4), draws())
    assert found.item() == pytest.approx((1 - math.exp(-0.5)) ** 2 * math.exp(-0.5), rel=1e-6)


def test_is_smallest_for_standard_normal_embeddings():
    """Narrower, wider, shifted and collapsed ones score worse, and so does one component that never varies."""
    embeddings, of = normal(512, 8), SigReg()
    flat = embeddings.clone()
    flat[:, 0] = 0
    others = (embeddings / 2, embeddings * 2, embeddings + 1, embeddings * 0, flat)
    best = of(embeddings, draws()).item()
    assert all(of(other, draws()).item() > 2 * best for other in others)


def test_directions_are_drawn_anew_in_each_step():
    embeddings, of = normal(16, 8) ** 3, SigReg(directions=4)
    first, again, next_step = (of(embeddings, draws(step)).item() for step in (0, 0, 1))
    assert first == again
    assert first != next_step


def test_of_nothing_it_is_zero():
    assert SigReg()(normal(0, 8), draws()).item() == 0


def test_says_its_weight_and_its_side():
    assert RegularizerTraits.of(SigReg(weight=2.0, of="predicted")) == RegularizerTraits(2.0, "predicted")


@pytest.mark.parametrize("options", [{"weight": 0}, {"directions": 0}, {"knots": 1}, {"reach": 0.0}])
def test_refuses_what_measures_nothing(options):
    with pytest.raises(ValueError, match="weight and reach must be above 0, directions 1 or more, knots 2 or more"):
        SigReg(**options)
