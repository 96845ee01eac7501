"""Adapters: what is trained, what stays, and what is saved of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from jepa_core.errors import JepaError
from jepa_core.model.adapters import (
    adapter_state,
    add_adapters,
    has_adapters,
    load_adapters,
    merge_adapters,
    save_adapters,
)
from jepa_core.model.transformer import Transformer
from jepa_core.recipe.model_section import LoraSection
from tests.support import VOCAB, small_model

NEW = (VOCAB - 2, VOCAB - 1)
IDS = torch.tensor([[1, 5, NEW[0], 7, NEW[1], 3]])
KINDS = {"untied": ("llama", {}), "tied": ("llama", {"tie_word_embeddings": True}), "gpt2": ("gpt2", {})}


def section(**options: Any) -> LoraSection:
    return LoraSection.model_validate({"r": 2, "alpha": 8.0, **options})


def adapted(kind: str, **options: Any) -> Any:
    name, config = KINDS[kind]
    model = small_model(name, **config)
    add_adapters(model, section(**options), NEW)
    return model


def logits(model: Any) -> torch.Tensor:
    return model.eval()(input_ids=IDS).logits


def train(model: Any) -> None:
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(3):
        model.train()(input_ids=IDS, labels=IDS).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("kind", KINDS)
def test_training_moves_adapters_and_the_rows_of_new_tokens_alone(kind):
    model, before = adapted(kind), small_model(KINDS[kind][0], **KINDS[kind][1])
    torch.testing.assert_close(logits(model), logits(before))
    train(model)
    assert float((logits(model) - logits(before)).detach().abs().max()) > 1e-3
    tables = [(model.get_input_embeddings().weight, before.get_input_embeddings().weight)]
    tables += [(model.get_output_embeddings().weight, before.get_output_embeddings().weight)]
    for now, then in tables:
        moved = (now != then).any(dim=1)
        assert moved.nonzero().flatten().tolist() == list(NEW)
    names = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name or "trainable_tokens" in name for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_the_transformer_of_a_model_with_adapters_is_the_models(kind):
    model = adapted(kind)
    train(model)
    with Transformer(model) as transformer, torch.no_grad():
        transformer.check(packed=True)
        states = transformer(IDS, torch.arange(6)[None], None, [0, 1, 2])
        torch.testing.assert_close(transformer.logits(states[2]), logits(model))
        assert transformer.last_mlp.works


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_bit_by_bit_and_merged_to_rounding(kind, tmp_path):
    model, other = adapted(kind), adapted(kind)
    train(model)
    save_adapters(model, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    load_adapters(other, adapter_state(model))
    torch.testing.assert_close(logits(other), logits(model), rtol=0, atol=0)
    expected = logits(model)
    plain = merge_adapters(model)
    assert not has_adapters(plain)
    assert plain.state_dict().keys() == small_model(KINDS[kind][0], **KINDS[kind][1]).state_dict().keys()
    torch.testing.assert_close(logits(plain), expected, rtol=0, atol=1e-5)


def test_a_table_that_is_trained_as_a_whole_needs_no_rows():
    model = adapted("untied", modules_to_save=["embed_tokens"])
    names = {name for name, p in model.named_parameters() if p.requires_grad and "lora_" not in name}
    assert names == {
        "model.embed_tokens.modules_to_save.default.weight",
        "lm_head.token_adapter.trainable_tokens_delta.default",
    }


def test_what_can_not_be_adapted_is_told_in_one_line(monkeypatch):
    with pytest.raises(JepaError, match=r"model\.lora: .*nothing") as told:
        add_adapters(small_model("llama"), section(target_modules=["nothing"]))
    assert "\n" not in str(told.value)
    biased = small_model("llama")
    biased.lm_head.bias = torch.nn.Parameter(torch.zeros(VOCAB))
    with pytest.raises(JepaError, match="output embedding has a bias"):
        add_adapters(biased, section(), NEW)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(JepaError, match=r"pip install 'jepa-core\[lora\]'"):
        add_adapters(small_model("llama"), section())


def test_the_pretrained_model_is_named_wherever_the_folder_is_read(tmp_path, monkeypatch):
    small_model("llama").save_pretrained(tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    model = AutoModelForCausalLM.from_pretrained("base")
    add_adapters(model, section(), NEW)
    save_adapters(model, Path("saved"))
    said = json.loads(Path("saved/adapter_config.json").read_text())
    assert said["base_model_name_or_path"] == str(tmp_path / "base")
