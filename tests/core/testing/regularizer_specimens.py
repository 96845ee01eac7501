"""Regularizers that keep the contract, and regularizers that break one clause each."""

from __future__ import annotations

import torch
from torch.nn.functional import relu

from jepa_core.testing import RegularizerContract


def spread(embeddings, draws):
    """The mean of max(0, 1 - variance)."""
    if len(embeddings) < 2:
        return embeddings.sum() * 0
    return relu(1 - embeddings.float().var(dim=0)).mean()


def declaring(**declarations):
    def made(embeddings, draws):
        return spread(embeddings, draws)

    vars(made).update(declarations)
    return made


class TestVariance(RegularizerContract):
    def make(self):
        return declaring(weight=0.5, of_side="target")


class TestAlongRandomDirections(RegularizerContract):
    def make(self):
        return lambda embeddings, draws: spread(embeddings @ draws.normal(8, 4) / 8**0.5, draws)


class TestNoWeight(RegularizerContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        return declaring(weight=0.0)


class TestOfNoSide(RegularizerContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        return declaring(of_side="source")


class TestAVector(RegularizerContract):
    fails = (
        *(f"test_returns_a_scalar[{n}]" for n in (0, 1, 2, 64)),
        "test_collapse_costs",
        "test_descends",
        "test_order_does_not_matter",
    )

    def make(self):
        return lambda embeddings, draws: relu(1 - embeddings.square()).mean(dim=1)


class TestNotOfOne(RegularizerContract):
    """The variance of one embedding is 0 / 0, that of none too."""

    fails = ("test_returns_a_scalar[0]", "test_returns_a_scalar[1]")

    def make(self):
        return lambda embeddings, draws: relu(1 - embeddings.var(dim=0)).mean()


class TestDetached(RegularizerContract):
    fails = (*(f"test_returns_a_scalar[{n}]" for n in (0, 1, 2, 64)), "test_descends")

    def make(self):
        return lambda embeddings, draws: spread(embeddings, draws).detach()


class TestRewardsCollapse(RegularizerContract):
    fails = ("test_collapse_costs",)

    def make(self):
        return lambda embeddings, draws: (
            embeddings.var(dim=0, correction=0).mean() if len(embeddings) else embeddings.sum()
        )


class TestWrongSign(RegularizerContract):
    """The gradient leads away from what the value says."""

    fails = ("test_descends",)

    def make(self):
        def reversed_gradient(embeddings, draws):
            found = spread(embeddings, draws)
            return 2 * found.detach() - found

        return reversed_gradient


class TestMinusItself(RegularizerContract):
    """Minus the right thing: its own gradient is right for it, and collapse is the best there is."""

    fails = ("test_collapse_costs",)

    def make(self):
        return lambda embeddings, draws: -spread(embeddings, draws)


class TestTheFirstCountsMore(RegularizerContract):
    fails = ("test_order_does_not_matter",)

    def make(self):
        return lambda embeddings, draws: spread(embeddings, draws) + embeddings[:1].sum() / 1000


class TestRandomDirections(RegularizerContract):
    fails = ("test_same_inputs_give_the_same_result", "test_draws_no_random_numbers")
    fails_wherever_called = True  # by chance

    def make(self):
        return lambda embeddings, draws: spread(embeddings @ torch.randn(8, 4) / 8**0.5, draws)


class TestCentresItsInput(RegularizerContract):
    fails = ("test_leaves_its_inputs_alone",)
    fails_wherever_called = True

    def make(self):
        def centres(embeddings, draws):
            embeddings.data.sub_(embeddings.data.mean(dim=0))
            return spread(embeddings, draws)

        return centres
