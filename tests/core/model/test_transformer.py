"""The door to Hugging Face models: layers, heads, masks by layer."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.views.visibility import additive
from tests.families import a_model
from tests.support import gradients, small_batch, small_model, small_objective

IDS = torch.tensor([[1, 2, 3, 4]])
POSITIONS = torch.arange(4)[None]


class SelfOnlyFirst:
    """The first layer sees itself only, later ones all before."""

    by_layer = True
    isolates_views = False

    def __call__(self, query, key, layer):
        return (query.position == key.position) | (layer > 0)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_hidden_states_are_the_models_own(kind):
    model = small_model(kind).eval()
    transformer = Transformer(model)
    own = model(IDS, output_hidden_states=True).hidden_states
    ours = transformer(IDS, POSITIONS, None, [0, 1, 2])
    assert [bool(torch.equal(ours[i], own[i])) for i in range(3)] == [True] * 3
    assert torch.equal(transformer.layer_logits(ours[2], 2), model(IDS).logits)
    inner = model.base_model.ln_f if kind == "gpt2" else model.base_model.norm
    assert torch.equal(transformer.layer_logits(ours[1], 1), model.get_output_embeddings()(inner(own[1])))


def test_layers_count_from_either_end():
    transformer = Transformer(small_model())
    assert [transformer.layer(n) for n in (0, 1, 2, -1, -2, -3)] == [0, 1, 2, 2, 1, 0]
    with pytest.raises(ComponentError, match=r"layers 0 \(embeddings\) to 2"):
        transformer.layer(3)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "opt", "gemma2", "mixtral", "qwen3_moe", "gpt_oss", "mamba"])
def test_models_of_many_kinds_pass(kind):
    """Experts among them: which tokens share one changes the rounding of all, and no token sees another by it."""
    Transformer(a_model(kind)).check()


def test_a_model_that_is_not_causal_is_refused():
    model = a_model("bert")  # an encoder unless it is told to be a decoder
    with pytest.raises(ComponentError, match=r"BertLMHeadModel is not causal: .*; set is_decoder: true"):
        Transformer(model).check()
    Transformer(a_model("bert", is_decoder=True)).check()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_mask_for_each_layer(kind, attention):
    """A stack of masks equals running the layers by hand: the first layer's output is that of tokens alone."""
    model = small_model(kind, attention).eval()
    transformer = Transformer(model)
    alone = torch.eye(4).bool()
    stack = torch.stack([alone, torch.ones(4, 4).tril().bool()])[None]
    stacked = transformer(IDS, POSITIONS, additive(stack, torch.float32), [1, 2])
    only_first = transformer(IDS, POSITIONS, additive(alone[None, None], torch.float32), [1])[1]
    causal = transformer(IDS, POSITIONS, None, [2])[2]
    assert torch.allclose(stacked[1], only_first, atol=1e-6)
    assert not torch.allclose(stacked[2], causal, atol=1e-3)
    one = transformer(IDS[:, 2:3], POSITIONS[:, 2:3], None, [1])[1]
    assert torch.allclose(stacked[1][:, 2], one[:, 0], atol=1e-6)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_gradient_checkpointing_recomputes_with_the_right_masks(kind):
    results = []
    for checkpointing in (False, True):
        model = small_model(kind).train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        objective = small_objective(model, mask=SelfOnlyFirst())
        results.append(gradients(objective, objective(**small_batch()).loss))
    plain, recomputed = results
    assert all(torch.allclose(plain[n], recomputed[n], atol=1e-6) for n in plain)
