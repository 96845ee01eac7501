"""The configuration of a model, checked by the source of its class: as when the class is made."""

from __future__ import annotations

import pytest

from jepa_core.recipe.config_source import outlined_problems
from jepa_core.recipe.model_config import config_problems

WRONG = [
    {"model_type": "gpt2"},
    {"model_type": "gpt2", "n_layr": 2},
    {"model_type": "gpt2", "n_embd": "wide"},
    {"model_type": "gpt2", "n_embd": 128, "hidden_size": 128},
    {"model_type": "gpt2", "n_embd": 10**9},
    {"model_type": "gpt2", "n_embd": 100, "n_head": 3},
    {"model_type": "gpt2", "vocab_size": 3, "dtype": "float32"},
    {"model_type": "gpt2", "activation_function": "gelx"},
    {"model_type": "gpt3"},
    {"n_layer": 2},
    {"model_type": "llama", "num_attention_heads": 4, "num_key_value_heads": 3},
    {"model_type": "llama", "rope_theta": 5000.0},
    {"model_type": "mixtral", "router_aux_loss_coef": 0.1},
    {"model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 3},
    {"model_type": "qwen3_moe", "head_dim": 16},
    {"model_type": "gemma3", "hidden_size": 4},
    {"model_type": "dbrx", "attn_config": {"kv_n_heads": 2}},
]


@pytest.mark.parametrize("config", WRONG)
def test_the_source_says_what_the_class_says(config):
    assert outlined_problems(config) == config_problems(config)


@pytest.mark.parametrize(
    "model_type", ["gpt_neox", "qwen2", "gemma2", "mamba", "phi3", "opt", "bert", "olmo2", "smollm3"]
)
def test_families(model_type):
    for config in ({"model_type": model_type}, {"model_type": model_type, "no_such_key": 1}):
        assert outlined_problems(config) == config_problems(config)
        assert bool(config_problems(config)) == ("no_such_key" in config)
