"""Weights that transformers changes when it reads them."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers import initialization as init

from jepa_core.errors import JepaError
from jepa_core.model.rereading import changed_when_read, keep_when_read
from tests.families import a_model


@pytest.mark.parametrize("kind", ["gpt2", "opt", "bloom", "gemma2", "mixtral", "mamba"])
def test_most_kinds_keep_theirs(kind):
    model = a_model(kind, pad_token_id=3)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    state = torch.random.get_rng_state()
    keep_when_read(model)
    assert model.config.pad_token_id == 3
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_a_row_that_is_zero_as_yet_is_found():
    model = a_model("youtu", pad_token_id=3)
    with torch.no_grad():
        model.get_input_embeddings().weight[3] = 0.0  # as a new model has it, and training will not leave it
    keep_when_read(model)
    assert model.config.pad_token_id is None
    assert not model.get_input_embeddings().weight[3].any()


def test_a_row_that_is_made_zero_at_each_reading_is_kept(tmp_path):
    model = a_model("youtu", pad_token_id=3)
    with torch.no_grad():
        model.get_input_embeddings().weight[3] = 1.0  # as training leaves it
    model.save_pretrained(tmp_path / "before")
    lost = AutoModelForCausalLM.from_pretrained(tmp_path / "before").get_input_embeddings().weight[3]
    assert not lost.any(), "transformers mended it: this is no longer needed"
    keep_when_read(model)
    assert model.config.pad_token_id is None
    assert bool((model.get_input_embeddings().weight[3] == 1).all()), "nothing is changed by trying"
    model.save_pretrained(tmp_path / "after")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "after").state_dict()
    assert all(torch.equal(again[name], weight) for name, weight in model.state_dict().items())


def test_a_kind_whose_weights_can_not_be_kept_is_refused(monkeypatch):
    model = a_model("gpt2")
    kind = type(model.transformer.ln_f)
    monkeypatch.setattr(
        type(model), "_init_weights", lambda self, m: init.zeros_(m.weight.data) if isinstance(m, kind) else None
    )
    assert changed_when_read(model) == "transformer.h.0.ln_1.weight"
    with pytest.raises(
        JepaError, match=r"changes transformer\.h\.0\.ln_1\.weight whenever it reads this kind of model"
    ):
        keep_when_read(model)
    assert bool((model.transformer.ln_f.weight == 1).all())
