"""Generation against one prompt at a time without padding or cache, and against a model that says given tokens."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from jepa_core.errors import DataError
from jepa_plugins.text.generation import end_tokens, generate
from tests.plugins.text.speaker import Speaker

SIZES = {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
FAMILIES = {
    "gpt2": {"n_layer": 2, "n_embd": 16, "n_head": 2, "n_positions": 64},
    "llama": {**SIZES, "num_key_value_heads": 1},
    "gemma2": {**SIZES, "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 4},
    "opt": {
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "ffn_dim": 32,
        "num_attention_heads": 2,
        "word_embed_proj_dim": 16,
    },
    # It counts positions itself, padding too.
    "bart": {"d_model": 16, "decoder_layers": 2, "decoder_ffn_dim": 32, "decoder_attention_heads": 2},
    "mamba": {"num_hidden_layers": 2, "hidden_size": 16, "state_size": 8},
    # Its state runs through padding, and stays in the model between calls.
    "recurrent_gemma": {
        "num_hidden_layers": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "lru_width": 16,
        "block_types": ["recurrent", "attention"],
        "attention_window_size": 32,
    },
    # Its states of one kind of layer do not leave the cache with their row.
    "falcon_h1": {
        **SIZES,
        "num_key_value_heads": 1,
        "mamba_d_ssm": 16,
        "mamba_d_head": 8,
        "mamba_n_heads": 2,
        "mamba_d_state": 8,
        "mamba_n_groups": 1,
        "mamba_chunk_size": 8,
    },
}
NO_SDPA = ("gemma2", "mamba")
PROMPTS = [[5], [7, 3, 9, 11, 2, 2, 8], [4, 4], [1, 2, 3, 4, 5], [9, 8, 7, 6], [3, 1]]


def make_model(family: str, attention: str = "sdpa"):
    torch.manual_seed(1)
    config = AutoConfig.for_model(family, **FAMILIES[family], vocab_size=24)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():  # the default initialisation says the same token for ever
        for weight in model.parameters():
            weight.add_(0.4 * torch.randn_like(weight))
    return model


def one_by_one(model, prompt, ends, limit, never=()):
    """The same by definition: the whole row again for every token, nothing padded, nothing cached."""
    ids = list(prompt)
    for _ in range(limit):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        logits[list(never)] = float("-inf")
        token = int(logits.argmax())
        if token in ends:
            return ids[len(prompt) :], True
        ids.append(token)
    return ids[len(prompt) :], False


@pytest.mark.parametrize(
    ("family", "attention"),
    [(family, kind) for family in FAMILIES for kind in ("sdpa", "eager") if kind == "eager" or family not in NO_SDPA],
)
def test_a_batch_is_as_each_alone(family, attention):
    model = make_model(family, attention)
    plain = [one_by_one(model, prompt, (), 12)[0] for prompt in PROMPTS]
    ends = next([token] for token in range(24) if 2 <= sum(token in answer for answer in plain) <= len(plain) - 2)
    expected = [one_by_one(model, prompt, ends, 12) for prompt in PROMPTS]
    assert {stopped for _, stopped in expected} == {True, False}
    for batch_size in (1, 4, 64):
        assert generate(model, PROMPTS, ends, 12, batch_size) == expected


def test_tokens_that_never_come():
    model = make_model("gpt2")
    usual = one_by_one(model, PROMPTS[1], (), 8)[0]
    [found] = generate(model, [PROMPTS[1]], [23], 8, never=usual[:2])
    assert found == one_by_one(model, PROMPTS[1], [23], 8, never=usual[:2])
    assert not set(found.ids) & set(usual[:2])


def test_what_a_model_says():
    speaker = Speaker({40: [1, 2, 9, 3, 4, 5], 41: [8, 1, 1, 1, 1, 1], 42: [9, 1, 1, 1, 1, 1], 43: [1, 1, 1, 1, 1, 1]})
    done = []
    found = generate(speaker, [[0, 40], [41], [42], [0, 0, 43]], [8, 9], 5, on_batch=done.append)
    assert found == [([1, 2], True), ([], True), ([], True), ([1] * 5, False)]
    assert done == [4]
    assert speaker.calls == [(4, 3), (2, 4), (2, 5), (1, 6), (1, 7)], "rows that are done leave"


def test_the_mode_is_put_back_and_dropout_is_off():
    model = make_model("gpt2").train()
    assert generate(model, PROMPTS, [23], 6) == generate(model, PROMPTS, [23], 6)
    assert model.training


def test_the_position_table_is_not_left():
    model = make_model("gpt2")
    prompts = [[5] * 64, [5] * 60, [5, 6]]
    found = generate(model, prompts, [], 8)
    assert [len(answer.ids) for answer in found] == [1, 5, 8]
    assert found[2] == one_by_one(model, [5, 6], (), 8)
    with pytest.raises(DataError, match="prompt 1 has 65 tokens; the model takes 1 to 64"):
        generate(model, [[1], [5] * 65], [], 8)
    with pytest.raises(DataError, match="prompt 0 has 0 tokens"):
        generate(model, [[]], [], 8)


def test_end_tokens_of_model_tokenizer_and_template():
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=[7, 5]))
    assert end_tokens(model, SimpleNamespace(eos_token_id=5), [2]) == [2, 5, 7]
    assert end_tokens(make_model("gpt2"), SimpleNamespace(eos_token_id=3))[0] == 3
    assert end_tokens(SimpleNamespace(), SimpleNamespace(eos_token_id=0)) == [0]
    with pytest.raises(DataError, match="ends an answer"):
        end_tokens(SimpleNamespace(), SimpleNamespace(eos_token_id=None))
