from __future__ import annotations

import pytest
from transformers import AutoConfig

from jepa_core.recipe.model_config import config_problems


def found(**config) -> dict[str, str]:
    return {".".join(map(str, path)): words for path, words in config_problems(config)}


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt2"},
        {"model_type": "gpt2", "n_layer": 2, "n_embd": 32, "n_head": 4, "n_inner": None, "resid_pdrop": 0},
        {"model_type": "gpt2", "num_hidden_layers": 2, "hidden_size": 36},
        {"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "rope_theta": 5000.0},
        {"model_type": "llama", "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
        {"model_type": "gemma2", "head_dim": 8, "hidden_size": 32, "num_attention_heads": 2},
    ],
)
def test_configurations_that_are_fine(config):
    assert found(**config) == {}


def test_every_accepted_key_has_an_effect():
    """A key that transformers does not know is kept as an attribute without effect; these are known."""
    made = AutoConfig.for_model("llama", hidden_size=64, num_attention_heads=4, rope_theta=5000.0, num_hidden_layers=3)
    assert made.rope_parameters["rope_theta"] == 5000.0
    assert AutoConfig.for_model("gpt2", num_hidden_layers=3).n_layer == 3


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        ({"n_lyer": 2}, {"n_lyer": "unknown key of a gpt2 configuration; did you mean 'n_layer'?"}),
        ({"rope_theta": 1.0}, {"rope_theta": "unknown key of a gpt2 configuration"}),
        ({"n_layer": "2"}, {"n_layer": "expected a whole number, not the text '2'"}),
        ({"n_layer": True}, {"n_layer": "expected a whole number, not true"}),
        ({"n_layer": 0}, {"n_layer": "expected a number from 1 to 10000, not 0"}),
        ({"n_layer": 10**12}, {"n_layer": "expected a number from 1 to 10000, not 1000000000000"}),
        ({"n_embd": 30, "n_head": 4}, {"": "4 heads don't divide a width of 30"}),
        ({"num_attention_heads": 5}, {"": "5 heads don't divide a width of 768"}),
        (
            {"n_layer": 2, "num_hidden_layers": 3},
            {"num_hidden_layers": "is another name for n_layer, which is given too"},
        ),
        ({"vocab_size": 10}, {"vocab_size": "not here: the data sets it"}),
        ({"eos_token_id": 1}, {"eos_token_id": "not here: the data sets it"}),
        ({"dtype": "bfloat16"}, {"dtype": "not here: set model.dtype"}),
        (
            {"attn_implementation": "eager"},
            {"attn_implementation": "not here: set model.attn_implementation"},
        ),
        ({"return_dict": False}, {"return_dict": "unknown key of a gpt2 configuration"}),
        (
            {"activation_function": "gelu_nw"},
            {"activation_function": "unknown activation 'gelu_nw'; did you mean 'gelu_new'?"},
        ),
        (
            {"n_lyer": 2, "n_head": "x"},
            {
                "n_lyer": "unknown key of a gpt2 configuration; did you mean 'n_layer'?",
                "n_head": "expected a whole number, not the text 'x'",
            },
        ),
    ],
)
def test_keys_that_transformers_would_take_in_silence_or_later(config, problems):
    assert found(model_type="gpt2", **config) == problems


def test_model_types():
    assert found(model_type="gtp2") == {
        "model_type": "'gtp2' is no type of causal language model; did you mean 'gpt2'?"
    }
    assert "no type of causal" in found(model_type="vit")["model_type"]
    assert "is missing" in found(n_layer=2)["model_type"]
    assert "is missing" in found(model_type=["gpt2"])["model_type"]


def test_what_the_class_itself_refuses_is_passed_on():
    problems = found(model_type="llama", hidden_size=64, rms_norm_eps=1)
    assert problems == {"": "not a llama configuration: Field 'rms_norm_eps' expected float, got int (value: 1)"}
