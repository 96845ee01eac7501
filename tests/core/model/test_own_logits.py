"""Logits as the model makes them, from any states."""

from __future__ import annotations

import pytest
import torch

from jepa_core.model.transformer import Transformer
from tests.families import a_model
from tests.support import small_model

#: States far larger than any at initialisation: a cap of 30 is not seen in logits of a hundredth.
LARGE = 300 * torch.arange(3 * 32.0).sin().view(3, 32)


def head_of(model) -> torch.Tensor:
    return model.get_output_embeddings()(LARGE)


@pytest.mark.parametrize(
    ("kind", "config", "by_hand"),
    [
        ("gemma2", {"final_logit_softcapping": 5.0}, lambda logits: 5 * torch.tanh(logits / 5)),
        ("gemma2", {"final_logit_softcapping": None}, lambda logits: logits),
        ("cohere", {"logit_scale": 0.25}, lambda logits: 0.25 * logits),
        ("granite", {"logits_scaling": 8.0}, lambda logits: logits / 8),
        ("opt", {}, lambda logits: logits),
        ("gpt_neox", {}, lambda logits: logits),
    ],
)
def test_scaled_and_capped(kind, config, by_hand):
    model = a_model(kind, **config)
    transformer = Transformer(model)
    with torch.no_grad():
        expected, head = by_hand(head_of(model)), head_of(model)
        assert torch.allclose(transformer.logits(LARGE), expected, rtol=1e-6)
        assert torch.allclose(transformer.logits(LARGE[0]), expected[0], rtol=1e-5)
        assert transformer.logits(LARGE.view(3, 1, 32)).shape == (3, 1, 40)
    assert transformer._own_logits.plain == torch.equal(expected, head)
    transformer.check()


def test_a_cap_is_found_where_the_output_embedding_is_zero():
    """The search looks at the code, and at no weight."""
    model = a_model("gemma2", tie_word_embeddings=False)
    torch.nn.init.zeros_(model.lm_head.weight)
    transformer = Transformer(model)
    torch.nn.init.normal_(model.lm_head.weight)
    with torch.no_grad():
        assert float(transformer.logits(LARGE).abs().max()) <= 30


def test_a_transform_before_the_output_embedding_is_part_of_it():
    """BERT's head is a layer of its own."""
    model = a_model("bert", is_decoder=True)
    transformer = Transformer(model)
    with torch.no_grad():
        assert torch.equal(transformer.logits(LARGE), model.cls(LARGE))
    transformer.check()


@pytest.mark.parametrize("kind", ["gemma2", "bart", "llama"])
def test_gradients_reach_head_and_states(kind):
    model = a_model(kind)
    transformer, states = Transformer(model), LARGE.clone().requires_grad_()
    transformer.logits(states).square().sum().backward()
    assert states.grad.any()
    assert model.get_output_embeddings().weight.grad.any()


def test_the_model_itself_stays_as_it_is():
    model = a_model("gemma2")
    before = dict(model.named_modules()), dict(vars(model))
    Transformer(model).logits(LARGE)
    assert dict(model.named_modules()) == before[0]
    assert vars(model).keys() == before[1].keys()


def test_a_plain_head_is_called_directly():
    model = small_model().eval()
    transformer = Transformer(model)
    assert transformer._own_logits.plain
    assert torch.equal(transformer.logits(LARGE), head_of(model))
