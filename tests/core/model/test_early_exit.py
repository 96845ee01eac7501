"""A pass that ends where nothing more is asked for: the same states, and no later layer runs."""

from __future__ import annotations

import pytest
import torch

from jepa_core.model.transformer import Transformer
from tests.support import small_model

IDS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
POSITIONS = torch.arange(4).expand(2, 4)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("layers", [[0], [1], [0, 1]])
def test_the_same_states_and_no_more_work(kind, layers):
    model = small_model(kind).eval()
    transformer = Transformer(model)
    whole = transformer(IDS, POSITIONS, None, [*layers, 2])
    ran = []
    for number, block in enumerate(transformer.blocks):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    found = transformer(IDS, POSITIONS, None, layers)
    assert found.keys() == set(layers)
    assert all(torch.equal(found[layer], whole[layer]) for layer in layers)
    assert ran == list(range(max(layers)))
    assert torch.equal(transformer(IDS, POSITIONS, None, [2])[2], whole[2])  # nothing stays switched off


def test_gradients_reach_what_ran():
    model = small_model()
    Transformer(model)(IDS, POSITIONS, None, [1])[1].sum().backward()
    assert model.transformer.h[0].mlp.c_fc.weight.grad is not None
    assert model.transformer.h[1].mlp.c_fc.weight.grad is None


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_the_same_gradient_with_gradient_checkpointing(use_reentrant):
    model = small_model()
    transformer, weight = Transformer(model), model.transformer.h[0].mlp.c_fc.weight
    (expected,) = torch.autograd.grad(transformer(IDS, POSITIONS, None, [1])[1].square().sum(), [weight])
    model.gradient_checkpointing_enable({"use_reentrant": use_reentrant})
    transformer(IDS, POSITIONS, None, [1])[1].square().sum().backward()
    assert torch.allclose(weight.grad, expected)
    assert weight.grad.any()


def test_a_failing_pass_leaves_nothing_behind():
    model = small_model().eval()
    transformer = Transformer(model)
    with pytest.raises(IndexError):
        transformer(IDS + 1000, POSITIONS, None, [1])
    assert transformer.early_exit.wanted == ()
    assert torch.isfinite(transformer(IDS, POSITIONS, None, [2])[2]).all()
