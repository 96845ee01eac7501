"""Loss filters that keep the contract, and filters that break one clause each."""

from __future__ import annotations

import torch

from jepa_core.testing import FilterContract
from jepa_plugins.facts.roles import Role


def below_half(eligible, batch, draws):
    return eligible & (draws < 0.5)


def declaring(function, **declarations):
    """A copy of the filter with these attributes."""

    def keep(eligible, batch, draws):
        return function(eligible, batch, draws)

    vars(keep).update(declarations)
    return keep


class TestByDraw(FilterContract):
    def make(self):
        return declaring(below_half, training_only=True)


class TestByStep(FilterContract):
    def make(self):
        return declaring(below_half, draws_per="step")


class TestByContent(FilterContract):
    """Short tails only."""

    def make(self):
        return lambda eligible, batch, draws: eligible & ((batch["tags"] == Role.TAIL).sum(dim=1) < 3)


class TestOwnKey(FilterContract):
    def make(self):
        return lambda eligible, batch, draws: eligible & (batch["difficulty"] > 3)

    def make_batch(self, b):
        return super().make_batch(b) | {"difficulty": torch.arange(b) % 5}


class TestRevives(FilterContract):
    fails = ("test_never_revives_a_sample",)

    def make(self):
        return lambda eligible, batch, draws: draws < 0.5


class TestRevivesWhereNothingIsLeft(FilterContract):
    fails = ("test_never_revives_a_sample",)

    def make(self):
        def keep(eligible, batch, draws):
            return torch.where(eligible.any(), eligible, draws >= 0) if len(eligible) > 5 else eligible

        return keep


class TestNumbers(FilterContract):
    fails = (
        "test_returns_one_bool_a_sample[0]",
        "test_returns_one_bool_a_sample[1]",
        "test_returns_one_bool_a_sample[16]",
    )

    def make(self):
        return lambda eligible, batch, draws: below_half(eligible, batch, draws).long()


class TestOneForAll(FilterContract):
    fails = (
        "test_returns_one_bool_a_sample[0]",
        "test_returns_one_bool_a_sample[1]",
        "test_returns_one_bool_a_sample[16]",
        "test_never_revives_a_sample",
        "test_any_split_decides_the_same",
    )

    def make(self):
        return lambda eligible, batch, draws: below_half(eligible, batch, draws).any()


class TestHalfOfTheBatch(FilterContract):
    fails = ("test_any_split_decides_the_same",)

    def make(self):
        return lambda eligible, batch, draws: eligible & (draws.argsort().argsort() < len(draws) / 2)


class TestRandomNumbers(FilterContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_any_split_decides_the_same",
    )

    def make(self):
        return lambda eligible, batch, draws: eligible & (torch.rand(len(eligible)) < 0.5)


class TestChangesItsInput(FilterContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        return lambda eligible, batch, draws: eligible.logical_and_(draws < 0.5)


class TestUnknownLevel(FilterContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        return declaring(below_half, draws_per="batch")


class TestTrainingOnlyIsNoFlag(FilterContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        return declaring(below_half, training_only="yes")
