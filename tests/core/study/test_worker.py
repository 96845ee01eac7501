"""Workers over made-up runs: in order, each once, whatever happens to some of them."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.launch.run import Interrupted
from jepa_core.signals import Terminated, ending_on_signals
from jepa_core.study import worker
from tests.children import in_child
from tests.core.study.specimen import ABLATION, STUDY, pretend, tiny

ALL = [
    *(f"tune/ntp/training.learning_rate={rate}/seed-0" for rate in (0.001, 0.01)),
    *(f"report/ntp/training.learning_rate=0.01/seed-{seed}" for seed in (1, 2)),
    *(f"report/jepa/base/seed-{seed}" for seed in (1, 2)),
]


@pytest.fixture
def ran(monkeypatch) -> list[str]:
    """The cells that were run, in order; runs are made up."""
    cells: list[str] = []

    def run(recipe, **options):
        cells.append(recipe.output_dir.removeprefix("out/cells/"))
        pretend(recipe)

    monkeypatch.setattr(worker, "run", run)
    monkeypatch.setattr(worker, "PATIENCE", 0.01)
    return cells


def breaking(monkeypatch, cell: str, error: BaseException) -> None:
    """Makes this cell end with an error from now on."""
    run = worker.run

    def broken(recipe, **options):
        if recipe.output_dir.endswith(cell):
            raise error
        run(recipe, **options)

    monkeypatch.setattr(worker, "run", broken)


def test_every_cell_once_tuning_first(registry, ran):
    design = tiny(registry)
    worker.work(design, registry)
    assert ran == ALL
    worker.work(design, registry)
    assert ran == ALL
    assert design.finished


def test_what_was_chosen_is_written_down(registry, ran):
    worker.work(tiny(registry), registry)
    assert json.loads(Path("out/tuning/ntp.json").read_text()) == {
        "metric": "test.mrr",
        "complete": True,
        "best": {"training.learning_rate": 0.01},
        "points": [
            {"point": {"training.learning_rate": rate}, "values": [rate], "mean": rate} for rate in (0.001, 0.01)
        ],
    }
    assert not Path("out/tuning/jepa.json").exists()


def test_what_another_cell_has_learned_is_offered_to_those_that_rehearse(registry, ran, monkeypatch):
    """Cells of a finished run alone, in the order of the arms; what may be taken, `take_learned` decides."""
    offered: list[tuple[str, list[str]]] = []

    def take(recipe, folders, registry):
        offered.append((Path(recipe.output_dir).parts[3], [str(folder.path.parts[3]) for folder in folders]))

    monkeypatch.setattr(worker, "take_learned", take)
    arms = "arms:\n  sure: {recipe: rehearsal}\n  none: {recipe: rehearsal, overrides: [rehearsal.asker.cut=nothing]}\n"
    text = STUDY.split("tune:")[0].replace("seeds: [1, 2]", "seeds: [1]") + arms
    worker.work(tiny(registry, text), registry)
    assert offered == [("sure", []), ("none", ["sure"])]


@pytest.mark.parametrize("error", [JepaError("no room"), ValueError("no room")])
def test_a_cell_that_fails_is_noted_and_the_others_go_on(registry, ran, monkeypatch, error):
    breaking(monkeypatch, "ntp/training.learning_rate=0.01/seed-1", error)
    design, said = tiny(registry), []
    worker.work(design, registry, say=said.append)
    assert ran == [cell for cell in ALL if not cell.endswith("=0.01/seed-1")]
    noted = json.loads(Path("out/cells/report/ntp/training.learning_rate=0.01/seed-1.failed.json").read_text())
    assert noted["error"] == ("no room" if isinstance(error, JepaError) else "ValueError: no room")
    assert "in broken" in noted["traceback"]
    assert design.finished
    assert f"failed: {noted['error']}" in said


def test_a_failed_point_of_the_grid_is_out(registry, ran, monkeypatch):
    breaking(monkeypatch, "tune/ntp/training.learning_rate=0.01/seed-0", ValueError("diverged"))
    worker.work(tiny(registry), registry)
    assert ran[1] == "report/ntp/training.learning_rate=0.001/seed-1"


def test_an_arm_whose_tuning_failed_holds_up_nobody(registry, ran, monkeypatch):
    breaking(monkeypatch, "seed-0", ValueError("diverged"))
    worker.work(tiny(registry, STUDY + ABLATION), registry)
    assert ran == ALL[4:]


def test_what_failed_is_run_again_only_when_asked(registry, ran, monkeypatch):
    with monkeypatch.context() as patch:
        breaking(patch, "learning_rate=0.01/seed-0", ValueError("no room"))
        breaking(patch, "jepa/base/seed-2", ValueError("no room"))
        worker.work(tiny(registry), registry)
    ran.clear()
    worker.work(tiny(registry), registry)
    assert ran == []
    worker.retry_failed(tiny(registry))
    worker.work(tiny(registry), registry)
    assert ran == [ALL[1], ALL[2], ALL[3], ALL[5]]
    assert json.loads(Path("out/tuning/ntp.json").read_text())["best"] == {"training.learning_rate": 0.01}


def test_a_folder_with_another_run_is_told_for_its_cell_alone(registry, ran, monkeypatch):
    breaking(monkeypatch, "jepa/base/seed-1", FolderTaken("other"))
    design, said = tiny(registry), []
    worker.work(design, registry, say=said.append)
    assert ran == [name for name in ALL if name != "report/jepa/base/seed-1"]
    assert design.taken == {"report/jepa/base/seed-1": "other"}
    assert design.settled == len(ALL), "nothing is left to do about it"
    assert "left alone: other" in said
    assert not list(Path("out").rglob("*.failed.json")), "once the folder is free, the cell is run"


@pytest.mark.parametrize("error", [Interrupted(2, 3, Path("x")), Terminated(15), KeyboardInterrupt()])
def test_what_stops_the_study_is_no_failure_of_a_cell(registry, ran, monkeypatch, error):
    breaking(monkeypatch, "jepa/base/seed-1", error)
    with pytest.raises(type(error)):
        worker.work(tiny(registry), registry)
    assert not list(Path("out").rglob("*.failed.json"))
    FileLock("out/cells/report/jepa/base/seed-1.lock", blocking=False).acquire()  # would raise if it were held


def test_a_held_cell_is_left_to_its_holder(registry, ran, monkeypatch):
    """A worker does the others meanwhile, then waits; what the holder lets go unfinished, it does itself."""
    design = tiny(registry)
    held = design.report_cells("jepa", ())[0]
    held.lock.parent.mkdir(parents=True)
    lock = FileLock(held.lock)
    lock.acquire()
    slept = iter(range(1000))

    def sleep(seconds: float) -> None:
        assert ran == [cell for cell in ALL if cell != held.name], "all the others are done"
        if next(slept) == 2:
            lock.release()

    monkeypatch.setattr(worker.time, "sleep", sleep)
    worker.work(design, registry)
    assert ran[-1] == held.name


def test_a_metric_that_there_is_not_is_told_after_the_first_run(registry, ran):
    said: list[str] = []
    worker.work(tiny(registry, STUDY.replace("joint_accuracy", "joint")), registry, say=said.append)
    cell, words = f"warning: {ALL[0]}", "there is no figure for 'test.joint'; there is mrr, joint_accuracy, jepa_loss"
    assert said[:2] == [f"── {ALL[0]}", f"{cell}: {words}"]


def test_several_at_once_never_run_a_cell_twice(registry, ran):
    design = tiny(registry)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: worker.work(design, registry), range(4)))
    assert sorted(ran) == sorted(ALL)


def test_an_orphan_stops_its_run_as_sigterm_does(registry, monkeypatch):
    tiny(registry)

    def run(recipe, **options):
        with ending_on_signals():
            monkeypatch.setattr(os, "getppid", lambda: 1)  # who started us is gone
            time.sleep(60)

    def child() -> None:
        monkeypatch.setattr(worker, "run", run)
        job = {"study": "study.yaml", "modules": [], "files": [], "device": "cpu", "parent": os.getppid()}
        sys.exit(worker.main(json.dumps(job)))

    assert in_child(child) == 128 + signal.SIGTERM
    assert not list(Path("out").rglob("*.failed.json"))


def test_a_process_says_what_is_wrong_and_ends_with_its_status(registry, ran, capsys, monkeypatch):
    tiny(registry)
    job = {"study": "study.yaml", "modules": [], "files": [], "device": "cpu", "parent": os.getppid()}
    assert worker.main(json.dumps(job)) == 0
    assert ran == ALL
    assert worker.main(json.dumps({**job, "study": "gone.yaml"})) == 2
    assert "jepa-run: gone.yaml: no such file" in capsys.readouterr().err
