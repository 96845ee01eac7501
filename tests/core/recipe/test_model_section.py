"""The section ``model``: what goes together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

import jepa_core
from jepa_core.errors import RecipeError
from jepa_core.recipe.model_section import ModelSection
from tests.tiny_runs import REGISTRY


def refused(*overrides: str) -> str:
    with pytest.raises(RecipeError) as told:
        jepa_core.load_recipe("cosine_k1", overrides, REGISTRY)
    return str(told.value)


def test_a_configuration_is_a_mapping_or_a_name():
    assert ModelSection.model_validate({"config": "some/model"}).config == "some/model"
    assert ModelSection.model_validate({}).config["model_type"] == "gpt2"
    with pytest.raises(ValidationError):
        ModelSection.model_validate({"config": ""})
    assert "config: expected a mapping or text, not the number 3" in refused("model.config=3")
    assert "'model.config' is the text 'gpt2', it has no keys" in refused("model.config=gpt2", "model.config.n_layer=2")


def test_lora_adapts_a_pretrained_model():
    section = ModelSection.model_validate({"pretrained": "some/model", "lora": {"r": 4, "target_modules": ["q_proj"]}})
    assert (section.lora.r, section.lora.alpha, section.lora.target_modules) == (4, 16.0, ("q_proj",))
    assert ModelSection.model_validate({"pretrained": "some/model"}).lora is None
    assert "model.lora: adapts a pretrained model" in refused("model.lora={r: 4}")


def test_what_lora_does_not_take():
    model = "model={pretrained: some/model, lora: {rank: 4, dropout: 1.0, r: 0}}"
    told = refused(model)
    assert "model.lora.rank: unknown key" in told
    assert "model.lora.r: expected a number at least 1" in told
    assert "model.lora.dropout: expected a number below 1" in told


@pytest.mark.parametrize("place", ["model", "model.lora"])
@pytest.mark.parametrize("key", ["load_in_4bit", "quantization_config", "qlora"])
def test_quantization_is_refused_with_the_reason(place, key):
    told = refused("model={pretrained: some/model, lora: {r: 4}}", f"{place}.{key}=true")
    assert f"{place}.{key}: QLoRA needs a GPU" in told
    assert "unknown" not in told
