"""The load-balancing loss is the model's own."""

from __future__ import annotations

import pytest
import torch

from jepa_core.model.transformer import Transformer
from tests.families import a_model

IDS = torch.arange(12).view(2, 6)
POSITIONS = torch.arange(6).expand(2, 6)
ASKED = {"output_router_logits": True, "router_aux_loss_coef": 0.5}


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe", "gpt_oss"])
def test_it_is_what_the_model_adds_to_its_loss(kind):
    model = a_model(kind, **ASKED)
    transformer = Transformer(model)
    labels = IDS.clone()
    own = model(input_ids=IDS, labels=labels)
    without = model(input_ids=IDS, labels=labels, output_router_logits=False)
    with transformer.routing() as calls:
        transformer(IDS, POSITIONS, None, [2], reads=torch.tensor([0, 3]))
    loss = transformer.routers.loss(calls, [torch.arange(12)])
    assert torch.equal(loss, own.aux_loss)
    assert float(transformer.routers.weight * loss) == pytest.approx(float(own.loss - without.loss), abs=1e-6)


def test_calls_count_together_and_padding_does_not():
    """Two calls, and three tokens of padding: as one row of the nine real ones would give it."""
    transformer = Transformer(a_model("mixtral", **ASKED))
    with transformer.routing() as calls:
        for row in IDS:
            transformer(row[None], POSITIONS[:1], None, [1, 2])
    both = transformer.routers.loss(calls, [torch.arange(6), torch.arange(3)])
    layers = [torch.cat([calls[0][layer], calls[1][layer][:3]]) for layer in (0, 1)]
    assert torch.allclose(both, balance(torch.cat(layers), 2))
    assert not torch.allclose(both, transformer.routers.loss(calls, [torch.arange(6)] * 2))


def balance(logits: torch.Tensor, top: int) -> torch.Tensor:
    """Experts times the sum over experts of (share of tokens sent to it × mean probability), by hand; tokens of all
    layers are one heap."""
    probabilities = logits.softmax(-1)
    chosen = torch.zeros_like(logits).scatter(1, probabilities.topk(top).indices, 1.0)
    return logits.shape[1] * (chosen.mean(0) * probabilities.mean(0)).sum()


def test_gradients_reach_the_routers():
    model = a_model("mixtral", **ASKED)
    transformer = Transformer(model)
    with transformer.routing() as calls:
        transformer(IDS, POSITIONS, None, [2])
    transformer.routers.loss(calls, [torch.arange(12)]).backward()
    assert all(layer.mlp.gate.weight.grad.any() for layer in model.model.layers)


def test_only_where_it_is_asked_for():
    assert Transformer(a_model("mixtral")).routers.weight == 0
    assert Transformer(a_model("mixtral", **{**ASKED, "router_aux_loss_coef": 0.0})).routers.weight == 0
    assert Transformer(a_model("mixtral", **ASKED)).routers.weight == 0.5
    assert Transformer(a_model("llama")).routers.weight == 0


def test_nothing_is_kept_of_calls_outside_or_of_some_layers():
    transformer = Transformer(a_model("mixtral", **ASKED))
    with transformer.routing() as calls:
        transformer(IDS, POSITIONS, None, [1])
    transformer(IDS, POSITIONS, None, [2])
    assert calls == []
