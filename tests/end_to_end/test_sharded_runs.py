"""Whole runs with training.fsdp: checkpoints in parts that any number of processes goes on from, and a whole model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

import jepa_core
from jepa_core.checkpoint.manifest import BadCheckpoint, check_checkpoint
from jepa_core.checkpoint.parts import (
    KINDS,
    optimizer_of,
    read_optimizer_parts,
    read_parts,
    weights_of,
    write_parts,
)
from jepa_core.recipe.schema import Recipe
from tests.children import together
from tests.support import small_model, small_objective
from tests.tiny_lora import adapting, pretrained
from tests.tiny_runs import REGISTRY, digest, tiny

STILL = ("model.config.resid_pdrop=0", "model.config.n_layer=2", "objective.filters.1.rate=0")
ENOUGH = ("training.fsdp=true", "training.eval_steps=4", "training.save_steps=4")
#: A predictor with parameters and a moving average are saved beside the model.
PARTS = ("objective.predictor={name: mlp, hidden: 8}", "objective.target={ema: 0.9}")
LORA = ("training.fsdp=true", "evaluation.also=[{name: generation, max_new_tokens: 3}]", "training.save_steps=3")


def of_facts(folder: Path, processes: int, *overrides: str) -> Recipe:
    each = f"training.per_device_train_batch_size={8 // processes}"
    return tiny(folder, *STILL, *ENOUGH, *PARTS, each, *overrides)


def run(recipe: Recipe, **options: Any) -> Any:
    return jepa_core.run(recipe, registry=REGISTRY, device="cpu", **options)


def apart(one: Path, other: Path) -> float:
    """The largest difference of two files of tensors with the same names."""
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def optimizer_in(checkpoint: Path) -> dict[str, Tensor]:
    """The optimizer's state by rank and name; torch decides which process writes a number that all have."""
    return {
        name if name.endswith(".step") else f"{rank} {name}": tensor
        for rank in (0, 1)
        for name, tensor in load_file(checkpoint / f"optimizer_{rank}.safetensors").items()
    }


def numbers(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None}


def unfinished(run: Path, folder: Path) -> Path:
    """A copy of a run as it was at step 4."""
    shutil.copytree(run, folder)
    shutil.rmtree(folder / "model")
    shutil.rmtree(folder / "checkpoints" / "checkpoint-8")
    (folder / "metrics.json").unlink()
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Runs in one, two and four processes, alone and one after another."""
    root = tmp_path_factory.mktemp("runs")
    base, _ = pretrained(root / "base")
    run(of_facts(root / "of 1", 1))
    (root / "lora").mkdir()
    run(adapting(root / "lora", base, *LORA, "training.per_device_train_batch_size=4"))
    (root / "lora of 2").mkdir()
    adapted = adapting(root / "lora of 2", base, *LORA, "training.per_device_train_batch_size=2")

    def two(rank: int) -> None:
        run(of_facts(root / "of 2", 2))
        if rank == 0:
            unfinished(root / "of 2", root / "resumed")
        torch.distributed.barrier()
        run(of_facts(root / "resumed", 2))
        run(of_facts(root / "1 to 2", 2), resume=root / "of 1/checkpoints/checkpoint-4", force_resume=True)
        run(adapted)
        torch.distributed.destroy_process_group()

    def four(rank: int) -> None:
        run(of_facts(root / "2 to 4", 4), resume=root / "of 2/checkpoints/checkpoint-4", force_resume=True)
        run(of_facts(root / "of 4", 4))
        torch.distributed.destroy_process_group()

    for count, work in ((2, two), (4, four)):
        assert together(count, work, patience=240) == [0] * count
    run(of_facts(root / "4 to 1", 1), resume=root / "of 4/checkpoints/checkpoint-4", force_resume=True)
    return root


def test_two_processes_come_to_the_model_of_one(runs):
    for name in ("model.safetensors", "components.safetensors"):
        assert apart(runs / "of 2/model" / name, runs / "of 1/model" / name) < 1e-5
    first, second = (json.loads((runs / name / "metrics.json").read_text()) for name in ("of 1", "of 2"))
    assert first.keys() == second.keys()
    for split in first:
        assert numbers(second[split]) == pytest.approx(numbers(first[split]), rel=1e-4)


def test_the_checkpoint_is_in_parts_and_whole(runs):
    checkpoint = runs / "of 2/checkpoints/checkpoint-8"
    kinds = {
        f"{kind}_{rank}.safetensors" for kind in ("weights", "components", "optimizer", "random") for rank in (0, 1)
    }
    others = {"manifest.json", "state.json", "trainer_state.json"}
    assert {path.name for path in checkpoint.iterdir()} == kinds | others
    assert check_checkpoint(checkpoint) == 8
    total = sum(tensor.numel() for tensor in load_file(runs / "of 2/model/model.safetensors").values())
    held = [sum(t.numel() for t in load_file(checkpoint / f"weights_{rank}.safetensors").values()) for rank in (0, 1)]
    assert sum(held) == total
    assert max(held) < 0.6 * total


def test_a_resumed_run_ends_in_the_same_bits(runs):
    for name in ("model/model.safetensors", "model/components.safetensors", "metrics.json"):
        assert digest(runs / "resumed" / name) == digest(runs / "of 2" / name), name
    resumed, alone = (optimizer_in(runs / name / "checkpoints/checkpoint-8") for name in ("resumed", "of 2"))
    assert resumed.keys() == alone.keys()
    assert all(torch.equal(resumed[name], alone[name]) for name in alone)


@pytest.mark.parametrize("name", ["1 to 2", "2 to 4"])
def test_another_number_of_processes_goes_on(runs, name):
    """The samples of a step are the same; the difference is rounding."""
    for file in ("model.safetensors", "components.safetensors"):
        assert apart(runs / name / "model" / file, runs / "of 1/model" / file) < 1e-5


def losses(run: Path) -> dict[int, dict[str, float]]:
    """The losses of the steps after the fourth, by step; a step without a pair has none for pairs."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    names = ("ntp_loss", "jepa_loss", "jepa_pairs")
    return {of["step"]: {n: of[n] for n in names if n in of} for of in lines if "ntp_loss" in of and of["step"] > 4}


def test_one_process_goes_on_where_four_were(runs):
    """The next steps have the same losses; what is left is rounding."""
    four, one = losses(runs / "of 4"), losses(runs / "4 to 1")
    assert [*one] == [5, 6, 7, 8]
    assert any("jepa_loss" in found for found in one.values())
    for step, expected in four.items():
        assert one[step] == pytest.approx(expected, abs=1e-6), step
    assert apart(runs / "4 to 1/model/model.safetensors", runs / "of 4/model/model.safetensors") < 1e-6


def test_one_process_has_what_four_had_tensor_by_tensor(runs):
    """Weights, components and both moments of AdamW: the four parts of each, one behind the other."""
    checkpoint, recipe = runs / "of 4/checkpoints/checkpoint-4", of_facts(runs / "not run", 1)
    built = jepa_core.build(recipe, registry=REGISTRY, device="cpu")
    optimizer = built.trainer.create_optimizer()
    parts = weights_of(built.objective)
    read_parts(checkpoint, parts, None)
    read_optimizer_parts(checkpoint, built.objective, optimizer, None)
    parts |= optimizer_of(built.objective, optimizer)
    files = [load_file(checkpoint / f"{kind}_{rank}.safetensors") for kind in KINDS.values() for rank in range(4)]
    names = {name for file in files for name in file}
    assert names == parts.keys()
    for name in names:
        assert torch.equal(parts[name], torch.cat([file[name] for file in files if name in file])), name
    assert sum(name.endswith(".exp_avg_sq") for name in names) == sum(
        p.requires_grad for p in built.objective.parameters()
    )


def test_the_model_is_one_plain_folder(runs):
    folder = runs / "of 2/model"
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "components.safetensors",
    }
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {name: p.shape for name, p in model.named_parameters()} == {
        name: p.shape for name, p in AutoModelForCausalLM.from_pretrained(runs / "of 1/model").named_parameters()
    }
    loaded = jepa_core.load(runs / "of 2", registry=REGISTRY)
    assert sum(p.numel() for p in loaded.model.parameters()) == sum(p.numel() for p in model.parameters())


def test_adapters_are_split_and_saved_as_without(runs):
    """Evaluates with generation, in which a process runs the model without the others."""
    one, two = runs / "lora/run", runs / "lora of 2/run"
    assert {path.name for path in (two / "model").iterdir()} == {path.name for path in (one / "model").iterdir()}
    assert apart(two / "model/adapter_model.safetensors", one / "model/adapter_model.safetensors") < 1e-5
    first, second = (json.loads((folder / "metrics.json").read_text())["again"] for folder in (one, two))
    assert second["generated_exact"] == first["generated_exact"]
    held = load_file(two / "checkpoints/checkpoint-6/weights_0.safetensors")
    assert any("lora_" in name for name in held)
    assert not any("base_layer" in name for name in held)


class TestParts:
    """Writing and reading parts in one process."""

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        write_parts(tmp_path, weights_of(small_objective(small_model(seed=1))), None)
        return tmp_path

    def test_come_back_in_place(self, folder):
        objective, other = small_objective(small_model(seed=2)), small_objective(small_model(seed=1))
        read_parts(folder, weights_of(objective), None)
        assert all(torch.equal(a, b) for a, b in zip(objective.parameters(), other.parameters(), strict=True))

    @pytest.mark.parametrize(("config", "words"), [({"n_embd": 16}, "is of shape"), ({"n_layer": 3}, "is missing")])
    def test_of_another_model_are_refused(self, folder, config, words):
        objective = small_objective(small_model(**config))
        before = [p.detach().clone() for p in objective.parameters()]
        with pytest.raises(BadCheckpoint, match=words):
            read_parts(folder, weights_of(objective), None)
        assert all(torch.equal(a, b) for a, b in zip(objective.parameters(), before, strict=True))

    def test_cut_off_are_refused(self, folder):
        path = folder / "weights_0.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(BadCheckpoint, match="can't be read"):
            read_parts(folder, weights_of(small_objective(small_model())), None)
