"""The network with one hidden layer: its contract, where it starts, values by hand, its options."""

from math import erf

import pytest
import torch

from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.registry import Registry
from jepa_core.testing import PredictorContract
from jepa_plugins.mlp_predictor import MlpPredictor
from tests.support import vocabulary as make_vocabulary

CONTEXT = BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=3, num_layers=2)


def seeded(width: int, hidden: int, trained: bool = True) -> MlpPredictor:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = MlpPredictor(width, hidden)
        if trained:
            torch.nn.init.normal_(made.out.weight)
    return made


class TestMlpContract(PredictorContract):
    def make(self):
        return seeded(8, 16)


class TestFreshMlpContract(PredictorContract):
    def make(self):
        return seeded(8, 16, trained=False)


def test_starts_as_the_identity():
    state = torch.randn(4, 5)
    assert torch.equal(seeded(5, 7, trained=False)(state, torch.randn(4, 5)), state)


def test_values_by_hand():
    """Width 1, two hidden: from h = 3, c = 2 they are gelu(3 + 2) and gelu(2 - 3 + 1); gelu(x) is x times the normal
    distribution's mass below x, so 5 Φ(5) and 0. Out: 3 + 2 · 5 Φ(5) + 7 · 0 + 0.5."""
    predict = MlpPredictor(1, 2)
    with torch.no_grad():
        predict.into.weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))
        predict.into.bias.copy_(torch.tensor([0.0, 1.0]))
        predict.out.weight.copy_(torch.tensor([[2.0, 7.0]]))
        predict.out.bias.copy_(torch.tensor([0.5]))
    below_5 = (1 + erf(5 / 2**0.5)) / 2
    found = predict(torch.tensor([[3.0]]), torch.tensor([[2.0]]))
    assert found.item() == pytest.approx(3 + 2 * 5 * below_5 + 0.5, rel=1e-6)


def test_no_condition_is_one_of_zeros():
    state = torch.randn(4, 5)
    predict = seeded(5, 7)
    assert torch.equal(predict(state, None), predict(state, torch.zeros(4, 5)))
    assert not torch.allclose(predict(state, None), predict(state, torch.ones(4, 5)))


def test_is_four_times_as_wide_as_the_model_unless_told_otherwise():
    create = Registry.discover().create
    assert create("predictor", "mlp", context=CONTEXT).into.weight.shape == (12, 6)
    assert create("predictor", "mlp", context=CONTEXT, hidden=5).into.weight.shape == (5, 6)
    with pytest.raises(ComponentError, match="hidden: expected 1 to 1,000,000, not 0"):
        create("predictor", "mlp", context=CONTEXT, hidden=0)
