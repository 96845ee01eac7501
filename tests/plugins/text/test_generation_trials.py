"""Trying a model, against what its kind is known to do."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import DataError
from jepa_plugins.text.generation import generate
from jepa_plugins.text.generation_trials import accepted, most_positions, remembers, sees_no_padding
from tests.plugins.text.test_generation import make_model

#: Kind -> a cache that can be handed on, whose rows can leave; is padding unseen.
KNOWN = {
    "gpt2": (True, True, True),
    "llama": (True, True, True),
    "opt": (True, True, True),
    "bart": (True, True, False),
    "mamba": (False, False, False),
    "recurrent_gemma": (False, False, False),
    "falcon_h1": (True, False, True),
}


@pytest.mark.parametrize("family", KNOWN)
def test_each_kind_is_known_by_trial(family):
    model = make_model(family, "eager")
    state = torch.random.get_rng_state()
    assert (remembers(model), remembers(model, divided=True), sees_no_padding(model)) == KNOWN[family]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_model_with_room_for_too_few_tokens_is_not_tried(monkeypatch):
    monkeypatch.setattr("jepa_plugins.text.generation_trials.max_positions", lambda config: 2)
    model = make_model("gpt2")
    assert (most_positions(model), remembers(model), sees_no_padding(model)) == (2, False, False)


def test_what_a_forward_does_not_take_is_left_out():
    assert accepted(make_model("gpt2"), {"input_ids": 1, "no_such": 2}) == {"input_ids": 1}


def test_a_cache_that_forgets_is_not_used(monkeypatch):
    model = make_model("gpt2")
    expected = generate(model, [[5, 6, 7], [1, 2]], [0], 5)
    whole = model.forward

    def forgetful(input_ids=None, attention_mask=None, position_ids=None, past_key_values=None, use_cache=None):
        out = whole(input_ids=input_ids, attention_mask=attention_mask[:, -input_ids.shape[1] :],
                    position_ids=position_ids, use_cache=use_cache)  # fmt: skip
        return out

    monkeypatch.setattr(model, "forward", forgetful)
    assert not remembers(model)
    assert generate(model, [[5, 6, 7], [1, 2]], [0], 5) == expected


def test_what_a_models_code_raises_is_one_line(monkeypatch):
    model = make_model("gpt2")

    def broken(input_ids=None, **_):
        raise RuntimeError("sizes must match\nand a stack of C++")

    monkeypatch.setattr(model, "forward", broken)
    with pytest.raises(DataError, match=r"^GPT2LMHeadModel can't generate: RuntimeError: sizes must match$"):
        generate(model, [[5]], [0], 5)
