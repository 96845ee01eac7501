"""Stopped at any step and gone on with: the bits of weights and optimizer are those of the run left alone."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from jepa_core.checkpoint.choosing import OtherRecipe
from jepa_core.checkpoint.manifest import BadCheckpoint, seal
from jepa_core.checkpoint.trainer import CheckpointTrainer
from jepa_core.errors import JepaError
from jepa_core.folder import files
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.training.trainer import JepaTrainer
from tests.children import die, in_child
from tests.tiny_runs import checkpoint_names, outcome, run_tiny, tiny


class Stop(Exception):
    pass


def stopped(patch: pytest.MonkeyPatch, folder: Path, step: int, micro_batch: int, *overrides: str) -> None:
    """A run that fails in the micro-batch (from 0) of the step after `step`."""
    compute, seen = JepaTrainer.compute_loss, itertools.count()

    def stopping(self, *args, **kwargs):
        if self.state.global_step == step and next(seen) == micro_batch:
            raise Stop
        return compute(self, *args, **kwargs)

    with patch.context() as inner:
        inner.setattr(JepaTrainer, "compute_loss", stopping)
        with pytest.raises(Stop):
            run_tiny(folder, *overrides)


def matrix() -> list[tuple[str, ...]]:
    """k x loss dropout x workers x accumulation."""
    axes = (
        [f"objective.k={k}" for k in (0, 1, 2)],
        [f"objective.filters.1.rate={rate}" for rate in (0, 0.5)],
        [f"training.dataloader_num_workers={workers}" for workers in (0, 2)],
        [
            "training.gradient_accumulation_steps=1",
            "training.gradient_accumulation_steps=3 training.per_device_train_batch_size=3",
        ],
    )
    return [tuple(" ".join(row).split()) for row in itertools.product(*axes)]


FEW = [matrix()[i] for i in (1, 6, 19)]


def resumes_exactly(folder: Path, patch: pytest.MonkeyPatch, steps: range, overrides: tuple[str, ...]) -> None:
    """Stopped after each of these steps; every step is saved."""
    overrides = (*overrides, "training.save_steps=1", "training.save_total_limit=2")
    run_tiny(folder / "whole", *overrides)
    expected = outcome(folder / "whole")
    for step in steps:
        path = folder / f"stopped-{step}"
        inside = int("training.gradient_accumulation_steps=3" in overrides)
        stopped(patch, path, step, inside, *overrides)
        said: list[str] = []
        assert run_tiny(path, *overrides, say=said.append).state == ("resumed" if step else "trained")
        assert f"resuming from {path}/checkpoints/checkpoint-{step}" in said or not step
        assert outcome(path) == expected, f"stopped after step {step}"


@pytest.mark.parametrize("overrides", FEW, ids=" ".join)
def test_a_resumed_run_gives_the_same_bits(tmp_path, monkeypatch, overrides):
    resumes_exactly(tmp_path, monkeypatch, range(3, 5), overrides)  # within an epoch, and at its end


@pytest.mark.slow
@pytest.mark.parametrize("overrides", matrix(), ids=" ".join)
def test_stopped_at_any_step(tmp_path, monkeypatch, overrides):
    resumes_exactly(tmp_path, monkeypatch, range(8), overrides)


def test_epochs_may_give_the_length(tmp_path, monkeypatch):
    overrides = ("training.num_train_epochs=2", "training.max_steps=null")
    resumes_exactly(tmp_path, monkeypatch, range(5, 6), overrides)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run with checkpoints after 2 and 4 of its 8 steps."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        stopped(patch, folder, 5, 0)
    return folder


@pytest.fixture
def mine(interrupted, tmp_path):
    return Path(shutil.copytree(interrupted, tmp_path / "run"))


class TestAnotherRecipe:
    def test_is_refused_with_every_key_that_differs(self, mine):
        with pytest.raises(
            FolderTaken,
            match=r"unfinished run of another recipe .differs in seed, training\.learning_rate.*--force-resume",
        ):
            run_tiny(mine, "seed=7", "training.learning_rate=1e-4")

    def test_goes_on_when_told(self, mine):
        said: list[str] = []
        result = run_tiny(mine, "training.learning_rate=1e-4", force_resume=True, say=said.append)
        assert result.state == "resumed"
        assert (
            json.loads((mine / "checkpoints/checkpoint-8/state.json").read_text())["recipe"]["training"][
                "learning_rate"
            ]
            == 1e-4
        )

    def test_more_steps_are_no_other_recipe(self, mine):
        assert run_tiny(mine, "training.max_steps=9").state == "resumed"
        assert "checkpoint-9" in checkpoint_names(mine)

    def test_fewer_steps_are(self, mine):
        with pytest.raises(FolderTaken, match=r"differs in training\.max_steps"):
            run_tiny(mine, "training.max_steps=7")

    def test_a_checkpoint_of_another_run_is_passed_over(self, mine, tmp_path, monkeypatch):
        """Whole, and under the right name, but of a run with another seed."""
        stopped(monkeypatch, tmp_path / "other", 5, 0, "seed=7")
        (tmp_path / "other/checkpoints/checkpoint-4").rename(tmp_path / "strange")
        (mine / "checkpoints/checkpoint-4").rename(tmp_path / "away")
        (tmp_path / "strange").rename(mine / "checkpoints/checkpoint-4")
        said: list[str] = []
        run_tiny(mine, say=said.append)
        assert any(
            "checkpoint-4: of another run (its recipe differs in seed); going on from checkpoint-2" in s for s in said
        )


class TestExplicit:
    def test_an_earlier_one(self, mine, tmp_path):
        """Later checkpoints are of a past that no longer is, and go with the next save."""
        run_tiny(tmp_path / "whole")
        said: list[str] = []
        assert run_tiny(mine, resume=mine / "checkpoints/checkpoint-2", say=said.append).state == "resumed"
        assert f"resuming from {mine}/checkpoints/checkpoint-2" in said
        assert outcome(mine) == outcome(tmp_path / "whole")

    def test_of_another_folder(self, mine, tmp_path):
        run_tiny(tmp_path / "new", resume=mine / "checkpoints/checkpoint-4")
        run_tiny(mine)
        assert outcome(mine) == outcome(tmp_path / "new")

    def test_of_another_recipe(self, mine, tmp_path):
        path = mine / "checkpoints/checkpoint-4"
        with pytest.raises(
            OtherRecipe, match=r"checkpoint-4: a checkpoint of another recipe .differs in seed.*--force-resume"
        ):
            run_tiny(tmp_path / "new", "seed=7", resume=path)
        assert run_tiny(tmp_path / "new", "seed=7", resume=path, force_resume=True).state == "resumed"

    @pytest.mark.parametrize("name", ["checkpoint-2", "checkpoint-3", ""])
    def test_a_bad_one_is_an_error(self, mine, name):
        """Even where there would be a good one to fall back on."""
        (mine / "checkpoints/checkpoint-2/optimizer.safetensors").unlink()
        with pytest.raises(BadCheckpoint, match="checkpoints"):
            run_tiny(mine, resume=mine / "checkpoints" / name)

    def test_of_more_processes(self, mine):
        path = mine / "checkpoints/checkpoint-4"
        state = json.loads((path / "state.json").read_text())
        (path / "state.json").write_text(json.dumps(state | {"processes": 2}))
        (path / "manifest.json").unlink()
        seal(path, 4)
        with pytest.raises(OtherRecipe, match="of a run in 2 processes, this one has 1"):
            run_tiny(mine)
        assert run_tiny(mine, force_resume=True).state == "resumed"


def everything(folder: Path) -> dict[str, bytes | None]:
    """Each file with its content, and each folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


class TestRefused:
    @pytest.mark.parametrize("options", [{}, {"force_resume": True}], ids=str)
    def test_the_folder_stays_byte_for_byte(self, mine, options):
        before = everything(mine)
        changed = ["training.learning_rate=0.5"] * bool(options)
        with pytest.raises(BadCheckpoint, match="checkpoint-99: no checkpoint there"):
            run_tiny(mine, *changed, resume=mine / "checkpoints/checkpoint-99", **options)
        assert everything(mine) == before
        assert run_tiny(mine).state == "resumed"

    def test_of_a_new_folder_nothing_is_left(self, tmp_path):
        with pytest.raises(BadCheckpoint, match="no checkpoint there"):
            run_tiny(tmp_path / "new" / "run", resume=tmp_path / "nope" / "checkpoint-4")
        assert list(tmp_path.iterdir()) == []


class TestLog:
    """``metrics.jsonl`` of before the stop is all there after a resume."""

    def test_killed_while_it_is_rewritten_it_is_as_it_was(self, mine):
        log = (mine / "metrics.jsonl").read_bytes()

        def killed() -> None:
            def sync(descriptor: int) -> None:
                if "metrics.jsonl" in os.readlink(f"/proc/self/fd/{descriptor}"):
                    die()

            files.os.fsync = sync
            run_tiny(mine)

        assert in_child(killed) == -signal.SIGKILL
        assert (mine / "metrics.jsonl").read_bytes() == log
        run_tiny(mine)
        steps = [json.loads(line)["step"] for line in (mine / "metrics.jsonl").read_text().splitlines()]
        assert [step for step in steps if step] == sorted(step for step in steps if step)
        assert set(steps) >= set(range(1, 9))


def test_a_plugin_that_changed_in_between_is_told(mine):
    checkpoint = mine / "checkpoints/checkpoint-4"
    state = json.loads((checkpoint / "state.json").read_text())
    assert len(state["made_with"]["plugin_code"]["jepa-core"]) == 64
    state["made_with"]["plugin_code"] = {"jepa-core": "0" * 64, "of a plugin that the recipe no longer names": "1"}
    (checkpoint / "state.json").write_text(json.dumps(state))
    (checkpoint / "manifest.json").unlink()
    seal(checkpoint, 4)
    said: list[str] = []
    run_tiny(mine, say=said.append)
    (warning,) = (message for message in said if message.startswith("warning"))
    assert warning == (
        f"warning: {checkpoint}: the code of the plugin jepa-core changed: not the same bits as a run left alone"
    )


def test_an_unchanged_run_is_told_nothing(mine):
    said: list[str] = []
    run_tiny(mine, say=said.append)
    assert [message for message in said if message.startswith("warning")] == []


@pytest.mark.parametrize(("limit", "kept"), [(None, [2, 3, 4]), (2, [3, 4]), (1, [4])])
def test_a_save_leaves_the_last_ones_and_none_of_the_past(tmp_path, limit, kept):
    for step in (2, 3, 4, 6, 10):
        (tmp_path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    trainer = SimpleNamespace(args=SimpleNamespace(save_total_limit=limit))
    CheckpointTrainer._remove_old(trainer, tmp_path / "checkpoints", 4)
    assert checkpoint_names(tmp_path) == [f"checkpoint-{step}" for step in kept]


def test_a_run_that_saved_nothing_yet_starts_again_and_says_so(tmp_path, monkeypatch):
    stopped(monkeypatch, tmp_path / "run", 1, 0)
    said: list[str] = []
    assert run_tiny(tmp_path / "run", say=said.append).state == "trained"
    assert "no checkpoint was saved yet: starting from the first step" in said


def test_the_recipe_of_a_checkpoint_is_the_run_s(mine):
    recipe = json.loads((mine / "checkpoints/checkpoint-4/state.json").read_text())["recipe"]
    assert recipe["training"]["max_steps"] == tiny(mine).training.max_steps == 8


@pytest.mark.parametrize("logging", [1, 100])
def test_not_a_number_is_never_saved(tmp_path, monkeypatch, logging):
    """Step 4 should have been saved; however long the log window is, no checkpoint is made over a bad step."""
    compute = JepaTrainer.compute_loss

    def poisoned(self, *args, **kwargs):
        return compute(self, *args, **kwargs) * (float("nan") if self.state.global_step == 3 else 1)

    monkeypatch.setattr(JepaTrainer, "compute_loss", poisoned)
    with pytest.raises(JepaError, match="gradient is not finite at step 4; the weights are those of step 3"):
        run_tiny(tmp_path / "run", f"training.logging_steps={logging}")
    assert checkpoint_names(tmp_path / "run") == ["checkpoint-2"]
    assert not (tmp_path / "run" / "metrics.json").exists()
    monkeypatch.undo()
    assert run_tiny(tmp_path / "run", f"training.logging_steps={logging}").state == "resumed"
