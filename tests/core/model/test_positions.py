"""A model without its table of position embeddings, and with it again."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import AutoModelForCausalLM

from jepa_core.errors import ComponentError
from jepa_core.model.positions import position_tables
from jepa_core.model.transformer import Transformer
from tests.families import a_model
from tests.support import small_model

IDS = torch.tensor([[1, 2, 3, 4]])


def logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS, use_cache=False).logits


@pytest.mark.parametrize(
    ("kind", "name"),
    [("gpt2", "wpe"), ("opt", "decoder.embed_positions"), ("bert", "embeddings.position_embeddings"), ("llama", None)],
)
def test_the_table_is_found_and_no_other(kind, name):
    model = a_model(kind, **({"is_decoder": True} if kind == "bert" else {}))
    found = position_tables(model, model.base_model)
    assert [id(table) for table in found] == ([id(model.base_model.get_submodule(name))] if name else [])


def test_it_is_forgotten_until_closed():
    model = small_model().eval()
    table, before, plain = model.transformer.wpe.weight, model.transformer.wpe.weight.clone(), logits(model)
    with Transformer(model) as transformer:
        transformer.forget_positions()
        without = logits(model)
        assert not torch.allclose(without, plain)
        assert torch.equal(table, before)
        assert not table.requires_grad
        assert not model.state_dict()["transformer.wpe.weight"].any()
    assert torch.equal(logits(model), plain)
    assert table.requires_grad
    assert torch.equal(model.state_dict()["transformer.wpe.weight"], before)
    with torch.no_grad():
        table.zero_()
    assert torch.equal(logits(model), without)


def test_what_is_saved_is_the_model_without_it(tmp_path):
    model = small_model().eval()
    transformer = Transformer(model)
    transformer.forget_positions()
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path)), logits(model))


def test_a_copy_of_the_model_has_none_either():
    model = small_model().eval()
    transformer = Transformer(model)
    transformer.forget_positions()
    assert torch.equal(logits(copy.deepcopy(model)), logits(model))


def test_two_transformers_forget_it_together():
    model = small_model().eval()
    plain, first, second = logits(model), Transformer(model), Transformer(model)
    first.forget_positions()
    second.forget_positions()
    first.close()
    assert not torch.allclose(logits(model), plain)
    second.close()
    assert torch.equal(logits(model), plain)
    assert model.transformer.wpe.weight.requires_grad


def test_a_pretrained_table_is_not_thrown_away(tmp_path):
    model = small_model()
    model.save_pretrained(tmp_path)
    with pytest.raises(ComponentError, match=r"positions: none takes the position embeddings from a model .*continue"):
        Transformer(AutoModelForCausalLM.from_pretrained(tmp_path)).forget_positions()
    torch.nn.init.zeros_(model.transformer.wpe.weight)
    model.save_pretrained(tmp_path)
    Transformer(AutoModelForCausalLM.from_pretrained(tmp_path)).forget_positions()


@pytest.mark.parametrize("kind", ["gpt2", "opt", "llama"])
def test_then_order_is_gone(kind):
    transformer = Transformer(a_model(kind))
    transformer.forget_positions()
    transformer.check("none")


def test_order_that_is_told_by_other_means_is_refused():
    with pytest.raises(ComponentError, match="BloomForCausalLM can't do without positions"):
        Transformer(a_model("bloom")).check("none")
