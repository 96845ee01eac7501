"""Weights that are not finite are nothing to go on from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from jepa_core.checkpoint.choosing import chosen, newest, refuse_non_finite
from jepa_core.checkpoint.manifest import BadCheckpoint, seal

RECIPE = {"seed": 1}


def add(checkpoints: Path, step: int, file: str = "model.safetensors", value: float = 1.0, **tensors) -> Path:
    """A sealed checkpoint with one file of tensors, one number of which is `value`."""
    path = checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "state.json").write_text(json.dumps({"recipe": RECIPE}))
    save_file({"a.fine": torch.ones(3), "b.weight": torch.tensor([[1.0, value]]), **tensors}, path / file)
    seal(path, step)
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("file", ["model.safetensors", "model-00002-of-00002.safetensors", "adapter_model.safetensors"])
def test_the_tensor_is_named(tmp_path, file, value):
    with pytest.raises(BadCheckpoint, match=rf"{file}: the weights are not finite \(b\.weight\)"):
        refuse_non_finite(add(tmp_path, 2, file, value))


@pytest.mark.parametrize("file", ["components.safetensors", "optimizer.safetensors", "random_0.safetensors"])
def test_a_component_may_keep_an_infinity(tmp_path, file):
    refuse_non_finite(add(tmp_path, 2, file, float("inf")))


def test_whole_numbers_and_halves_are_looked_at_too(tmp_path):
    refuse_non_finite(add(tmp_path, 2, c=torch.arange(3), d=torch.ones(2, dtype=torch.bfloat16)))
    bad = torch.tensor([1.0, float("nan")], dtype=torch.bfloat16)
    with pytest.raises(BadCheckpoint, match=r"\(d\)"):
        refuse_non_finite(add(tmp_path, 4, d=bad))


def test_no_run_goes_on_from_one(tmp_path):
    good, bad = add(tmp_path, 2), add(tmp_path, 4, value=float("nan"))
    said: list[str] = []
    assert newest(tmp_path, RECIPE, said.append) == good
    assert "checkpoint-4/model.safetensors: the weights are not finite" in said[0]
    for force in (False, True):
        with pytest.raises(BadCheckpoint, match="not finite"):
            chosen(bad, RECIPE, force)
