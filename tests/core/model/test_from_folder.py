"""Weights that fit, all of them, or an error that says which do not."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from jepa_core.model.from_folder import Misfit, read_model
from tests.families import a_model


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "qwen3_moe", "mixtral", "opt", "gemma2"])
def test_what_is_saved_is_read_bit_by_bit(kind, tmp_path):
    """Kinds whose weights are saved under other names, or in parts, among them."""
    model = a_model(kind)
    model.save_pretrained(tmp_path)
    again = read_model(AutoModelForCausalLM, str(tmp_path), dtype=torch.float32)
    assert again.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def change(folder, weights: dict, without: tuple[str, ...] = ()) -> None:
    path = folder / "model.safetensors"
    state = {name: tensor for name, tensor in load_file(path).items() if name not in without}
    save_file({**state, **weights}, path, metadata={"format": "pt"})


def test_what_does_not_fit_is_counted_and_named(tmp_path):
    a_model("gpt2").save_pretrained(tmp_path)
    change(
        tmp_path,
        {"x.y": torch.zeros(1), "transformer.h.0.mlp.c_fc.bias": torch.zeros(3)},
        ("transformer.ln_f.weight", *(f"transformer.h.1.ln_{n}.{kind}" for n in (1, 2) for kind in ("weight", "bias"))),
    )
    with pytest.raises(Misfit) as caught:
        read_model(AutoModelForCausalLM, str(tmp_path))
    assert str(caught.value) == (
        "5 missing (transformer.h.1.ln_1.bias, transformer.h.1.ln_1.weight, transformer.h.1.ln_2.bias, and 2 more); "
        "1 unexpected (x.y); 1 of another shape (transformer.h.0.mlp.c_fc.bias 3, not 128)"
    )


def test_a_tied_weight_may_be_missing(tmp_path):
    a_model("gpt2").save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    read_model(AutoModelForCausalLM, str(tmp_path))


def test_transformers_prints_nothing_of_it(tmp_path, capfd):
    a_model("gpt2").save_pretrained(tmp_path)
    change(tmp_path, {"x.y": torch.zeros(1)})
    with pytest.raises(Misfit):
        read_model(AutoModelForCausalLM, str(tmp_path))
    assert capfd.readouterr() == ("", "")
