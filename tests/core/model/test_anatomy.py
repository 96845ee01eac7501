"""The parts of models of many kinds, found where they are."""

from __future__ import annotations

import pytest
from transformers import BartConfig, BartForCausalLM

from jepa_core.errors import ComponentError
from jepa_core.model.anatomy import Anatomy
from tests.families import a_model

CASES = [
    ("gpt2", "transformer", "transformer.h"),
    ("llama", "model", "model.layers"),
    ("opt", "model", "model.decoder.layers"),
    ("bart", "model", "model.decoder.layers"),
    ("bert", "bert", "bert.encoder.layer"),
    ("llama4_text", "model", "model.layers"),
    ("bloom", "transformer", "transformer.h"),
]


@pytest.mark.parametrize(("kind", "base", "layers"), CASES)
def test_where_they_are(kind, base, layers):
    config = {"intermediate_size_mlp": 64, "num_key_value_heads": 4, "head_dim": 8} if kind == "llama4_text" else {}
    model = a_model(kind, **config)
    found = Anatomy.of(model)
    assert found.path == base
    assert found.base is model.get_submodule(base)
    assert found.blocks == list(model.get_submodule(layers))
    assert found.output is model.get_output_embeddings()


def test_a_decoder_has_a_number_of_layers_of_its_own():
    sizes = {"d_model": 32, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = BartConfig(vocab_size=40, encoder_layers=1, decoder_layers=3, **sizes, **heads)
    assert len(Anatomy.of(BartForCausalLM(config)).blocks) == 3


def test_layers_that_are_not_there():
    model = a_model("gpt2")
    model.config.n_layer = 3
    with pytest.raises(ComponentError, match="GPT2LMHeadModel: its 3 layers are not a list"):
        Anatomy.of(model)


def test_a_model_without_an_output_embedding():
    with pytest.raises(ComponentError, match="GPT2Model: has no output embedding"):
        Anatomy.of(a_model("gpt2").transformer)
