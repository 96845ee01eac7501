"""kill -9 in the middle of a save: the next start finds a whole checkpoint, and the same weights come out."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jepa_core.checkpoint import manifest, state
from jepa_core.checkpoint import trainer as saving
from jepa_core.checkpoint.choosing import newest
from jepa_core.checkpoint.manifest import check_checkpoint
from jepa_core.folder import whole_folder
from tests.children import Child, die, in_child
from tests.tiny_runs import checkpoint_names, outcome, run_tiny


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    """The outcome of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_tiny(folder)
    return outcome(folder)


def before_open(name: str = "save_weights") -> None:
    setattr(saving, name, lambda *args: die())


def after_half() -> None:
    """Half of the optimizer's file is on the disk."""
    save = state.save_file

    def half(tensors, path):
        save(tensors, path)
        os.truncate(path, path.stat().st_size // 2)
        die()

    state.save_file = half


def before_manifest() -> None:
    manifest.seal = lambda *args, **options: die()


def in_manifest() -> None:
    def half(data, file, **options):
        file.write('{"format": 1, "st')
        file.flush()
        die()

    manifest.json.dump = half


def before_rename() -> None:
    whole_folder.retire = lambda target: die()  # the last call before it


def after_rename() -> None:
    sync = whole_folder.sync
    whole_folder.sync = lambda path: die() if path.name == "checkpoints" else sync(path)


def in_rotation() -> None:
    remove = whole_folder.remove

    def half(folder):
        if not (folder.name.endswith(".old.part") and folder.exists()):
            return remove(folder)
        os.remove(next(folder.glob("*.safetensors")))
        die()

    whole_folder.remove = half


POINTS = [before_open, after_half, before_manifest, in_manifest, before_rename, after_rename, in_rotation]


def killed_at(step: int, point: Callable[[], None], folder: Path, *overrides: str) -> None:
    """A run that is killed at this point of the save of this step."""
    write = saving.CheckpointTrainer._write

    def armed(self, checkpoints, randoms):
        if self.state.global_step == step:
            point()
        write(self, checkpoints, randoms)

    def run() -> None:
        saving.CheckpointTrainer._write = armed
        run_tiny(folder, *overrides)

    assert in_child(run) == -signal.SIGKILL


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_every_write_point(tmp_path, whole, point):
    at_each_write_point(tmp_path, whole, point, step=4)


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 6, 8])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_every_write_point_three_times(tmp_path, whole, point, step):
    at_each_write_point(tmp_path, whole, point, step)


def at_each_write_point(tmp_path: Path, whole: dict[str, str], point: Callable[[], None], step: int) -> None:
    folder, limit = tmp_path / "run", "training.save_total_limit=1"
    if point is in_rotation and step == 2:
        pytest.skip("there is nothing to delete yet")
    killed_at(step, point, folder, limit)
    warnings: list[str] = []
    found = newest(folder / "checkpoints", None, warnings.append)
    assert warnings == []  # half a checkpoint does not even bear the name of one
    reached = check_checkpoint(found) if found else 0
    assert step - reached <= 2  # one save interval
    said: list[str] = []
    result = run_tiny(folder, limit, say=said.append)
    assert result.state == ("resumed" if found else "trained")
    assert (f"resuming from {found}" in said) == bool(found)
    assert outcome(folder) == whole
    if reached < 8:  # there was a next save: no rubbish is left
        assert checkpoint_names(folder) == ["checkpoint-8"]
    assert not (folder / ".lock").exists()


def test_leftovers_go_with_the_next_save(tmp_path):
    folder = tmp_path / "run"
    killed_at(4, before_manifest, folder)
    assert checkpoint_names(folder) == ["checkpoint-2", "checkpoint-4.part"]
    run_tiny(folder)
    assert checkpoint_names(folder) == [f"checkpoint-{step}" for step in (2, 4, 6, 8)]


@pytest.mark.slow
def test_killed_twenty_times_at_random_moments(tmp_path):
    """Kills a longer run from the moment it starts to train; it still ends with the same bits."""
    overrides = ["training.max_steps=400", "training.save_steps=5", "training.save_total_limit=2"]
    run_tiny(tmp_path / "whole", *overrides)
    folder, kills, draw = tmp_path / "run", 0, random.Random(1)
    while kills < 20:
        log = folder / "metrics.jsonl"
        before = log.stat().st_mtime if log.exists() else 0.0
        child = Child(lambda: run_tiny(folder, *overrides))
        end = time.monotonic() + 60
        while not (log.exists() and log.stat().st_mtime > before) and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(draw.uniform(0.02, 0.5))
        os.kill(child.pid, signal.SIGKILL)
        status = child.wait()
        assert status == -signal.SIGKILL, f"ended by itself after {kills} kills"
        kills += 1
    run_tiny(folder, *overrides)
    assert outcome(folder) == outcome(tmp_path / "whole")
    assert checkpoint_names(folder) == ["checkpoint-395", "checkpoint-400"]
