"""The linear predictor: its contract, where it starts, values by hand, its options."""

import pytest
import torch

from jepa_core.contexts import BuildContext
from jepa_core.registry import Registry
from jepa_core.testing import PredictorContract
from jepa_plugins.linear_predictor import LinearPredictor
from tests.support import vocabulary as make_vocabulary

CONTEXT = BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=3, num_layers=2)


class TestLinearContract(PredictorContract):
    def make(self):
        return LinearPredictor(8)


class TestConditionedContract(PredictorContract):
    def make(self):
        return LinearPredictor(8, bias=True, conditioned=True)


@pytest.mark.parametrize("conditioned", [False, True])
def test_starts_as_the_identity(conditioned):
    state, condition = torch.randn(4, 5), torch.randn(4, 5)
    predict = LinearPredictor(5, conditioned=conditioned)
    assert torch.equal(predict(state, None), state)
    assert torch.equal(predict(state, condition), state)


def test_values_by_hand():
    """W = [[1, 2], [0, 1]], b = (10, 20), V = [[1, 0], [3, 0]]; h = (3, 4), c = (5, 6): W h = (11, 4), V c = (5, 15)."""
    predict = LinearPredictor(2, bias=True, conditioned=True)
    with torch.no_grad():
        predict.map.weight.copy_(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        predict.map.bias.copy_(torch.tensor([10.0, 20.0]))
        predict.condition.weight.copy_(torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
    state, condition = torch.tensor([[3.0, 4.0]]), torch.tensor([[5.0, 6.0]])
    assert predict(state, condition).tolist() == [[26.0, 39.0]]
    assert predict(state, None).tolist() == [[21.0, 24.0]]


def test_without_being_asked_to_it_leaves_a_condition_out():
    predict = LinearPredictor(2)
    state = torch.tensor([[3.0, 4.0]])
    assert torch.equal(predict(state, torch.ones(1, 2)), state)
    assert predict.condition is None


def test_a_condition_of_zeros_is_none():
    predict = LinearPredictor(4, conditioned=True)
    with torch.no_grad():
        predict.condition.weight.normal_()
    state = torch.randn(3, 4)
    assert torch.equal(predict(state, torch.zeros(3, 4)), predict(state, None))


def test_is_made_as_wide_as_the_model_with_its_options():
    create = Registry.discover().create
    plain = create("predictor", "linear", context=CONTEXT)
    assert {name: tuple(p.shape) for name, p in plain.named_parameters()} == {"map.weight": (3, 3)}
    full = create("predictor", "linear", context=CONTEXT, bias=True, conditioned=True)
    shapes = {"map.weight": (3, 3), "map.bias": (3,), "condition.weight": (3, 3)}
    assert {name: tuple(p.shape) for name, p in full.named_parameters()} == shapes
