"""Whole runs on a small generated task: they learn, stop, go on and repeat."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import jepa_core
from jepa_core.cli import main
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.training.trainer import JepaTrainer
from tests.children import together

TINY = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
    "model.config.n_embd=32",
    "model.config.n_layer=1",
    "training.per_device_train_batch_size=8",
    "training.logging_steps=1",
    "training.warmup_steps=0",
    "training.max_steps=6",
]


def recipe(folder: Path, *overrides: str) -> jepa_core.recipe.schema.Recipe:
    return jepa_core.load_recipe("cosine_k1", overrides=[*TINY, f"output_dir={folder}", *overrides])


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def test_a_run_learns_what_it_reads_and_nothing_is_repeated(tmp_path):
    folder = tmp_path / "run"
    settings = recipe(folder, "training.max_steps=250", "training.learning_rate=1e-2", "training.eval_steps=125")
    result = jepa_core.run(settings)
    assert result.state == "trained"
    assert result.metrics["train"]["mrr"] > 0.99
    assert result.metrics["atomic"]["joint_accuracy"] == 1
    assert result.metrics["test"]["jepa_loss"] is None
    assert result.metrics == json.loads((folder / "metrics.json").read_text())
    lines = log(folder)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 251))
    assert [line["step"] for line in lines if "eval_test_mrr" in line] == [125, 250]
    assert next(line["ntp_loss"] for line in lines if "loss" in line) > 3
    assert [line["ntp_loss"] < 1 for line in lines if line["step"] == 250 and "loss" in line] == [True]
    assert jepa_core.run(settings).state == "finished"
    with pytest.raises(FolderTaken, match=r"finished run of another recipe .differs in seed"):
        jepa_core.run(jepa_core.load_recipe(folder / "recipe.resolved.yaml", overrides=["seed=1"]))


def test_the_resolved_recipe_gives_the_same_run(tmp_path):
    first = jepa_core.run(recipe(tmp_path / "a", "objective.k=2", "objective.distance=l2"))
    again = jepa_core.run(
        jepa_core.load_recipe(tmp_path / "a" / "recipe.resolved.yaml", overrides=[f"output_dir={tmp_path / 'b'}"])
    )
    assert first.metrics == again.metrics
    one, other = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("split", [["gradient_accumulation_steps=4"], ["dataloader_num_workers=1"]])
def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path, monkeypatch, split):
    """Stopped after its third step by an error, it resumes from the checkpoint of the second."""
    overrides = [f"training.{option}" for option in split]
    overrides += ["training.save_steps=2", "objective.filters.1.rate=0.5", "model.config.resid_pdrop=0.1"]
    jepa_core.run(recipe(tmp_path / "whole", *overrides))
    with monkeypatch.context() as patch:
        stop_after(patch, steps=3)
        with pytest.raises(Stop):
            jepa_core.run(recipe(tmp_path / "stopped", *overrides))
    said: list[str] = []
    result = jepa_core.run(recipe(tmp_path / "stopped", *overrides), say=said.append)
    assert result.state == "resumed"
    assert "checkpoint-2" in said[-1]
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [line["step"] for line in log(tmp_path / "stopped") if "loss" in line] == list(range(1, 7))


class Stop(Exception):
    pass


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Every trainer fails in the middle of the step after `steps`."""
    compute = JepaTrainer.compute_loss

    def stopping(self, *args, **kwargs):
        if self.state.global_step == steps:
            raise Stop
        return compute(self, *args, **kwargs)

    patch.setattr(JepaTrainer, "compute_loss", stopping)


def test_two_processes_give_the_weights_of_one(tmp_path):
    """Two times four samples a step, planned in processes beside them, against eight; ranks have different numbers of
    pairs."""
    common = [*TINY, "training.adam_epsilon=1e-3", "training.max_steps=3", "objective.filters.1.rate=0.5"]
    options = ["--device", "cpu", "--output-dir", str(tmp_path / "two"), "training.per_device_train_batch_size=4"]
    options += ["training.dataloader_num_workers=1"]

    def work(rank: int) -> None:
        sys.argv = ["jepa-run", "cosine_k1", *common, *options]
        main.main()

    assert together(2, work, patience=240) == [0, 0]
    result = jepa_core.run(jepa_core.load_recipe("cosine_k1", [*common, f"output_dir={tmp_path / 'one'}"]))
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
    metrics = json.loads((tmp_path / "two" / "metrics.json").read_text())
    for split, values in result.metrics.items():
        for name, value in values.items():
            assert metrics[split][name] == (pytest.approx(value, rel=1e-3) if value is not None else None), name
    for ours, theirs in zip(log(tmp_path / "one"), log(tmp_path / "two"), strict=True):
        assert ours.get("jepa_pairs") == theirs.get("jepa_pairs")
        if "ntp_loss" in ours:
            assert ours["ntp_loss"] == pytest.approx(theirs["ntp_loss"], rel=1e-4)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderTaken, match="not empty and not a run's folder"):
        jepa_core.run(recipe(tmp_path))
    with pytest.raises(JepaError, match="leaves it alone"):
        jepa_core.run(recipe(tmp_path), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_overwrite_also_starts_a_run_in_a_new_folder(tmp_path):
    for _ in range(2):
        assert jepa_core.run(recipe(tmp_path / "new", "training.max_steps=1"), overwrite=True).state == "trained"


def test_recomputed_activations_give_the_same_weights(tmp_path):
    for name, value in (("kept", "false"), ("again", "true")):
        jepa_core.run(recipe(tmp_path / name, f"training.gradient_checkpointing={value}", "training.max_steps=2"))
    kept, again = weights(tmp_path / "kept"), weights(tmp_path / "again")
    assert all(torch.allclose(kept[name], again[name], atol=1e-6) for name in kept)


def test_an_unknown_split_is_named_with_its_line(tmp_path):
    with pytest.raises(
        JepaError, match=r"evaluation.splits: 'reversal_curse' has no split 'tset'; did you mean 'test'"
    ):
        jepa_core.build(recipe(tmp_path / "run", "evaluation.splits=[train, tset]"))
