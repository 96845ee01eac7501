"""Predictors that keep the contract, and predictors that break one clause each."""

from __future__ import annotations

import torch
from torch import nn

from jepa_core.testing import PredictorContract

ROWS = tuple(f"test_returns_one_vector_a_pair[{n}]" for n in (0, 1, 5))
FINITE = ("test_is_finite[float32]", "test_is_finite[bfloat16]")


class TestShifts(PredictorContract):
    def make(self):
        return lambda state, condition: state if condition is None else state + condition


class Gated(nn.Module):
    """A predictor with parameters, in fp32."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(8, 8)
        nn.init.eye_(self.map.weight)

    def forward(self, state, condition):
        found = self.map(state.to(self.map.weight.dtype))
        return (found if condition is None else found * condition.to(found.dtype)).to(state.dtype)


class TestModule(PredictorContract):
    def make(self):
        return Gated()


class NeedsCondition:
    needs_condition = True

    def __call__(self, state, condition):
        return state * condition.sigmoid()


class TestNeedsCondition(PredictorContract):
    def make(self):
        return NeedsCondition()


class TestNeedsConditionInSilence(PredictorContract):
    fails = ROWS

    def make(self):
        return lambda state, condition: state * condition.sigmoid()


class TestNeedsItInWords(PredictorContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        made = NeedsCondition()
        made.needs_condition = "always"
        return made


class TestNarrower(PredictorContract):
    fails = ROWS

    def make(self):
        return lambda state, condition: state[:, :4]


class TestOneForAll(PredictorContract):
    fails = (*ROWS[::2], "test_pairs_stand_alone")

    def make(self):
        return lambda state, condition: state.mean(dim=0, keepdim=True)


class TestNotOfNone(PredictorContract):
    fails = (ROWS[0],)

    def make(self):
        return lambda state, condition: torch.stack([2 * row for row in state])


class TestCentredOverTheBatch(PredictorContract):
    fails = ("test_pairs_stand_alone",)

    def make(self):
        return lambda state, condition: state - state.mean(dim=0)


class TestUnitLength(PredictorContract):
    """A zero vector has none."""

    fails = FINITE

    def make(self):
        return lambda state, condition: state / state.norm(dim=1, keepdim=True)


class TestAlwaysFloat(PredictorContract):
    fails = (FINITE[1],)

    def make(self):
        return lambda state, condition: 2 * state.float()


class TestOwnVectorOnly(PredictorContract):
    """Predicts the same whatever the state."""

    fails = FINITE

    def make(self):
        return lambda state, condition: torch.zeros_like(state)


class TestChangesItsInput(PredictorContract):
    fails = ("test_leaves_its_inputs_alone", *FINITE)

    def make(self):
        return lambda state, condition: state.mul_(2)


class TestDropout(PredictorContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_pairs_stand_alone",
        "test_compiles_in_one_graph",
    )

    def make(self):
        return lambda state, condition: nn.functional.dropout(state, 0.5)


class LooseParameters:
    def __init__(self):
        self.scale = torch.ones(8, requires_grad=True)

    def __call__(self, state, condition):
        return (state * self.scale).to(state.dtype)


class TestLooseParameters(PredictorContract):
    fails = ("test_parameters_belong_to_a_module",)

    def make(self):
        return LooseParameters()


class Forgetful(nn.Module):
    """A number of its own that no state_dict has."""

    made = 0

    def __init__(self):
        super().__init__()
        type(self).made += 1
        self.scale = float(type(self).made)

    def forward(self, state, condition):
        return state * self.scale


class TestForgetful(PredictorContract):
    fails = ("test_state_dict_round_trip",)

    def make(self):
        return Forgetful()


class TestReadsANumber(PredictorContract):
    fails = ("test_compiles_in_one_graph",)

    def make(self):
        return lambda state, condition: 2 * state if state.sum().item() > 1e9 else state
