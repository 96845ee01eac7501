from __future__ import annotations

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

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
        {"model_type": "gemma2", "head_dim": 8, "hidden_size": 32, "num_attention_heads": 4},
        {
            "model_type": "qwen3_moe",
            "hidden_size": 32,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
        },
        {"model_type": "qwen2", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2},
        {"model_type": "llama", "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        {"model_type": "mixtral", "output_router_logits": True, "router_aux_loss_coef": 0.1},
        {"model_type": "mixtral", "router_aux_loss_coef": 0.0},
        {"model_type": "bert", "is_decoder": True, "add_cross_attention": False},
        {"model_type": "dbrx", "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0}},  # of a type that names another
    ],
)
def test_configurations_that_are_fine(config):
    assert found(**config) == {}


def test_every_accepted_key_has_an_effect():
    """A key that transformers does not know is kept as an attribute without effect; these are known."""
    made = AutoConfig.for_model("llama", hidden_size=64, num_attention_heads=4, rope_theta=5000.0, num_hidden_layers=3)
    assert made.rope_parameters["rope_theta"] == 5000.0
    assert AutoConfig.for_model("gpt2", num_hidden_layers=3).n_layer == 3
    scaled = AutoConfig.for_model(
        "llama", rope_scaling={"rope_type": "linear", "factor": 2.0}, partial_rotary_factor=0.5
    )
    assert scaled.rope_parameters["factor"] == 2.0
    assert scaled.rope_parameters["partial_rotary_factor"] == 0.5
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    heads = AutoConfig.for_model("qwen3_moe", head_dim=16, num_key_value_heads=4, num_experts=2, **sizes)
    assert AutoModelForCausalLM.from_config(heads).model.layers[0].self_attn.q_proj.weight.shape == (64, 32)


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


@pytest.mark.parametrize("kind", ["mistral", "qwen2", "gemma", "exaone4"])
def test_heads_that_can_not_share_the_default_number_for_keys_and_values(kind):
    problems = found(model_type=kind, hidden_size=64, num_attention_heads=4)
    assert problems.keys() == {""}
    assert f"num_key_value_heads, the default of {kind}) evenly: give one that divides 4" in problems[""]


def test_numbers_that_do_not_go_together():
    heads = found(model_type="qwen2", hidden_size=64, num_attention_heads=4, num_key_value_heads=3)
    assert "4 heads (num_attention_heads) can't share 3" in heads["num_key_value_heads"]
    experts = found(model_type="mixtral", num_local_experts=2, num_experts_per_tok=3)
    assert experts == {"": "3 experts for a token (num_experts_per_tok), and there are 2"}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"model_type": "gpt2", "add_cross_attention": True}, ("add_cross_attention", "attends to an encoder")),
        ({"model_type": "bart", "is_encoder_decoder": True}, ("is_encoder_decoder", "an encoder and a decoder")),
        ({"model_type": "gpt2", "head_dim": 8}, ("head_dim", "unknown key of a gpt2 configuration")),
        ({"model_type": "gpt2", "rope_scaling": None}, ("rope_scaling", "unknown key of a gpt2 configuration")),
        (
            {"model_type": "mixtral", "router_aux_loss_coef": 0.1},
            ("router_aux_loss_coef", "output_router_logits: true"),
        ),
        ({"model_type": "gemma3"}, ("model_type", "is more than a language model; 'gemma3_text' is the one in it")),
    ],
)
def test_keys_that_are_not_for_a_language_model_alone(config, problem):
    ((key, words),) = found(**config).items()
    assert key == problem[0]
    assert problem[1] in words


@pytest.mark.parametrize("kind", ["musicgen", "gemma3"])
def test_kinds_that_are_more_than_a_language_model(kind):
    assert found(model_type=kind)["model_type"].startswith(f"'{kind}' is more than a language model")


def test_sizes_that_no_memory_holds_are_told_before_any_is_taken():
    words = found(model_type="gpt2", n_embd=1_000_000, n_layer=2, n_head=1)[""]
    assert words.startswith("2 layers of width 1,000,000 have 8,000 GB of weights at the least, and this machine has ")
