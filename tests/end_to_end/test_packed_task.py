"""Training on a packed task: the weights of training on its files, and nothing of its size at the start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import jepa_core
from jepa_core.training.trainer import JepaTrainer
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.pack import pack_folder
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.write import write_folder

TINY = [
    "model.config.n_embd=32",
    "model.config.n_layer=1",
    "training.per_device_train_batch_size=8",
    "training.logging_steps=1",
    "training.warmup_steps=0",
    "training.save_steps=4",
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """The same 50 facts as JSON and packed: an epoch has seven batches."""
    folder = tmp_path_factory.mktemp("data")
    write_folder(generate_task(TaskSize(20, 10, 2, 5), seed=3), folder / "task")
    pack_folder(folder / "task", folder / "packed")
    return folder / "task", folder / "packed"


def recipe(data: Path, output: Path, steps: int, *overrides: str):
    return jepa_core.load_recipe(
        "cosine_k1", [*TINY, f"data.path={data}", f"output_dir={output}", f"training.max_steps={steps}", *overrides]
    )


def weights(output: Path) -> dict[str, torch.Tensor]:
    return load_file(output / "model" / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("workers", [0, 1])
def test_packed_or_not_the_weights_are_the_same(folders, tmp_path, workers):
    for data, output in zip(folders, (tmp_path / "a", tmp_path / "b"), strict=True):
        result = jepa_core.run(recipe(data, output, 9, f"training.dataloader_num_workers={workers}"))
        assert result.metrics["test"]["num_samples"] == 10
    assert same(tmp_path / "a", tmp_path / "b")


def test_stopped_in_its_second_epoch_it_goes_on_in_the_same_order(folders, tmp_path, monkeypatch):
    """The run stops in the tenth step and goes on from the eighth, the first of the second epoch."""
    jepa_core.run(recipe(folders[1], tmp_path / "whole", 12))
    compute = JepaTrainer.compute_loss

    def stopping(self, *args, **kwargs):
        if self.state.global_step == 9:
            raise KeyError("stopped")
        return compute(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyError, match="stopped"):
        patch.setattr(JepaTrainer, "compute_loss", stopping)
        jepa_core.run(recipe(folders[1], tmp_path / "stopped", 12))
    assert jepa_core.run(recipe(folders[1], tmp_path / "stopped", 12)).state == "resumed"
    assert same(tmp_path / "whole", tmp_path / "stopped")


def test_starting_looks_at_a_few_rows_only(folders, tmp_path, monkeypatch):
    """Selects as many rows as the first batch, the health batch, one sample a type, and two of each group of each set
    need."""
    selected = []
    select = PackedSet.select

    def counting(self: PackedSet, rows: torch.Tensor):
        selected.append(len(rows))
        return select(self, rows)

    monkeypatch.setattr(PackedSet, "select", counting)
    monkeypatch.setattr(PackedSet, "facts", None)
    run = jepa_core.build(recipe(folders[1], tmp_path / "run", 1))
    assert selected == [4, 2, 2, 2, 2]
    iterator = iter(run.trainer.get_train_dataloader())
    next(iterator)
    assert max(selected) <= 10
