"""Generation by transformers itself, with a model that was built here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from jepa_core.model.build import build_model
from jepa_core.recipe.schema import ModelSection
from tests.core.model.test_build import CONFIG, VOCABULARY
from tests.support import small_model

#: "c" ends an answer.
ENDS = replace(VOCABULARY, marked={**VOCABULARY.marked, "stop_ids": [2]})
BART = {"model_type": "bart", "d_model": 32, "decoder_layers": 1, "decoder_ffn_dim": 32, "decoder_attention_heads": 4}


def built(names: Any, **section: Any) -> Any:
    torch.manual_seed(1)
    return build_model(ModelSection.model_validate(section), names).eval()


def always_says(model: Any, token: int) -> None:
    """Whatever is asked."""
    head = model.get_output_embeddings()
    model.base_model.register_forward_hook(lambda module, args, out: constant(out))
    with torch.no_grad():
        head.weight.zero_()
        head.weight[token] = 1


def constant(out: Any) -> Any:
    out.last_hidden_state = torch.ones_like(out.last_hidden_state)
    return out


@pytest.mark.parametrize(("token", "length"), [(2, 1), (3, 4)])
def test_it_stops_where_an_answer_ends(token, length):
    model = built(ENDS, config=CONFIG)
    always_says(model, token)
    said = model.generate(torch.tensor([[0, 1]]), max_new_tokens=4, do_sample=False)[0, 2:]
    assert said.tolist() == [token] * length


def test_the_ends_that_a_pretrained_model_says_stay(tmp_path):
    old = small_model(vocab_size=20)
    old.generation_config.eos_token_id = 7
    old.save_pretrained(tmp_path)
    settings = built(ENDS, pretrained=str(tmp_path)).generation_config
    assert (settings.eos_token_id, settings.pad_token_id) == ([2, 7], 10)


def test_facts_end_with_nothing():
    assert built(VOCABULARY, config=CONFIG).generation_config.eos_token_id is None


def test_a_kind_that_forces_a_token_on_its_published_models_forces_none_on_a_new_one():
    """BART's last token is always number 2."""
    assert AutoConfig.for_model("bart").forced_eos_token_id == 2
    model = built(VOCABULARY, config=BART)
    ids = torch.tensor([[0, 1]])
    said = model.generate(ids, max_new_tokens=1, do_sample=False, use_cache=False)[0, 2]
    assert said == model(input_ids=ids).logits[0, -1].argmax() != 2
