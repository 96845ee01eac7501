"""A disk that takes no more, a folder that may not be written, a folder that another run works in."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jepa_core.checkpoint.choosing import newest
from jepa_core.checkpoint.manifest import check_checkpoint
from jepa_core.cli import main
from jepa_core.training.trainer import JepaTrainer
from tests.children import Child, die
from tests.tiny_runs import TINY, checkpoint_names, outcome, run_tiny


def command(folder: Path, *overrides: str, first: Callable[[], object] = lambda: None) -> Child:
    """``jepa-run`` in a child, which begins with `first`."""

    def run() -> None:
        first()
        sys.argv = ["jepa-run", "cosine_k1", *TINY, *overrides, f"output_dir={folder}", "--device", "cpu"]
        main.main()

    return Child(run)


def at_step(step: int, action: Callable[[], object]) -> None:
    """Makes every run act, from here on, in the step after `step`."""
    compute = JepaTrainer.compute_loss

    def acting(self, *args, **kwargs):
        if self.state.global_step == step:
            action()
        return compute(self, *args, **kwargs)

    JepaTrainer.compute_loss = acting


def limit_files(size: int) -> None:
    """The kernel refuses what would make a file longer, as it does when a disk is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_disk_that_takes_no_more(tmp_path, capfd):
    folder = tmp_path / "run"
    child = command(folder, first=lambda: at_step(3, lambda: limit_files(10_000)))
    assert child.wait() == 1
    said = capfd.readouterr().err
    place = re.escape(str(folder / "checkpoints" / "checkpoint-4"))
    found = re.search(
        rf"jepa-run: {place}: can't be written: .*; it needs about ([\d,]+) bytes, ([\d,]+) are free", said
    )
    assert found, said
    assert "Traceback" not in said
    assert checkpoint_names(folder) == ["checkpoint-2"]
    assert check_checkpoint(folder / "checkpoints" / "checkpoint-2") == 2
    saved = sum(path.stat().st_size for path in (folder / "checkpoints" / "checkpoint-2").iterdir())
    assert saved < int(found[1].replace(",", "")) < 3 * saved
    run_tiny(folder)
    run_tiny(tmp_path / "whole")
    assert outcome(folder) == outcome(tmp_path / "whole")


def test_a_disk_that_has_no_room_for_the_model(tmp_path, capfd):
    folder = tmp_path / "run"
    child = command(folder, "training.save_steps=null", first=lambda: at_step(7, lambda: limit_files(10_000)))
    assert child.wait() == 1
    said = capfd.readouterr().err
    assert re.search(r"run/model: can't be written: .*; it needs about [\d,]+ bytes, [\d,]+ are free\n", said), said
    assert "Traceback" not in said
    assert not (folder / "model").exists()
    assert not (folder / "metrics.json").exists()


def test_a_disk_that_has_no_room_for_a_line_of_the_log(tmp_path, capfd):
    folder = tmp_path / "run"
    child = command(
        folder, first=lambda: at_step(3, lambda: limit_files((folder / "metrics.jsonl").stat().st_size + 9))
    )
    assert child.wait() == 1
    said = capfd.readouterr().err
    assert re.search(
        r"run/metrics\.jsonl: can't be written: .*; it needs about [\d,]+ bytes, [\d,]+ are free\n", said
    ), said
    assert (folder / "metrics.jsonl").read_bytes().endswith(b"}\n")
    assert checkpoint_names(folder) == ["checkpoint-2"]
    assert run_tiny(folder).state == "resumed"


@pytest.mark.parametrize("name", ["recipe.resolved.yaml", "vocabulary.json", "verify.json"])
def test_killed_in_one_of_its_first_writes_a_run_is_started_by_the_same_command(tmp_path, name):
    folder = tmp_path / "run"

    def arm() -> None:
        replace = Path.replace
        Path.replace = lambda path, to: die() if Path(to).name == name else replace(path, to)

    assert command(folder, "training.max_steps=1", first=arm).wait() == -signal.SIGKILL
    assert (folder / f"{name}.part").exists()
    assert run_tiny(folder, "training.max_steps=1").state == "trained"
    assert not list(folder.glob("*.part"))


@pytest.mark.slow
def test_a_full_file_system(tmp_path, capfd):
    """A real one, of a quarter of a megabyte, in memory."""
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=250k tmpfs {tmp_path} 2>/dev/null") != 0:
        pytest.skip("takes the right to mount")
    try:
        assert command(tmp_path / "run").wait() == 1
        said = capfd.readouterr().err
        assert re.search(
            r"can't be written: .*No space left on device.*; it needs about [\d,]+ bytes, [\d,]+ are free", said
        ), said
        found = newest(tmp_path / "run" / "checkpoints", None, pytest.fail)
        assert found is not None
        assert checkpoint_names(tmp_path / "run")[-1] == found.name
    finally:
        os.system(f"umount {tmp_path}")


def test_a_folder_that_may_not_be_written(tmp_path, capfd, monkeypatch):
    """Root may write everywhere, so it is the system call that refuses."""
    folder = tmp_path / "run"

    def refuse() -> None:
        mkdir = Path.mkdir

        def read_only(self, *args, **kwargs):
            if self.name.endswith(".part"):
                raise OSError(30, os.strerror(30))
            return mkdir(self, *args, **kwargs)

        Path.mkdir = read_only

    assert command(folder, first=lambda: at_step(3, refuse)).wait() == 1
    assert re.search(r"checkpoint-4: can't be written: Read-only file system; it needs", capfd.readouterr().err)
    assert check_checkpoint(newest(folder / "checkpoints", None, pytest.fail)) == 2


def test_of_two_runs_in_one_folder_exactly_one_goes_on(tmp_path, capfd):
    folder = tmp_path / "run"
    children = [command(folder, "training.max_steps=60") for _ in range(2)]
    pids = [child.pid for child in children]
    status = [child.wait() for child in children]
    said = capfd.readouterr().err
    assert sorted(status) == [0, 1]
    assert f"run: another run is at work there (process {pids[status.index(0)]} on " in said
    assert "Traceback" not in said
    assert run_tiny(folder, "training.max_steps=60").state == "finished"
