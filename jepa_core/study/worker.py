"""One worker, which walks over the cells and runs those that nobody else has run or is running.

``python -m jepa_core.study.worker JOB`` is one of several processes; JOB is JSON.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from filelock import Timeout

from jepa_core.display.terminal import say
from jepa_core.errors import JepaError
from jepa_core.folder.files import write_json
from jepa_core.folder.lock import shared_lock
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.launch.rehearsal import take_learned
from jepa_core.launch.run import Interrupted, run
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry
from jepa_core.signals import Terminated, stop_with_parent
from jepa_core.streams import outlive_readers, plain
from jepa_core.study.cells import Cell
from jepa_core.study.design import Design
from jepa_core.study.load import load_study
from jepa_core.study.tuning import unknown_metrics

#: Seconds between two looks, while all remaining cells are held by others or wait for those.
PATIENCE = 0.5
Say = Callable[[str], None]


def work(
    design: Design,
    registry: Registry,
    *,
    device: str | None = None,
    say: Say = lambda message: None,
) -> None:
    """Runs cells until every cell of the study is finished or failed, here or in another process.

    A cell is locked while it runs; the lock ends with the process, so another one takes up the cell of a killed
    process.

    Raises Interrupted or Terminated on a signal, and JepaError where the study can't go on. A cell's error is
    written down beside its folder, and the others go on.
    """
    while True:
        ran = left = False
        for name in design.study.arms:
            for cell in design.known_cells(name):
                if not cell.settled:
                    held = not _run_if_free(cell, design, registry, device, say)
                    ran, left = ran or not held, left or held
                    if figures := cell.figures:  # it is told now, and not after hours
                        metrics = dict.fromkeys((*design.study.columns, design.study.tuning_metric))
                        for words in unknown_metrics(metrics, figures):
                            say(f"warning: {cell.name}: {words}")
            note_tuning(design, name)
            left = left or not design.tuning(name).complete
        if not left:
            return
        if not ran:
            time.sleep(PATIENCE)


def note_tuning(design: Design, name: str) -> None:
    """Writes the chosen point of an arm's grid, with the figures of all points, to ``tuning/ARM.json``."""
    if not design.study.arms[name].grid:
        return
    path, tuning = design.root / "tuning" / f"{name}.json", design.tuning(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with shared_lock(path.with_suffix(".lock")):
        if tuning.complete and not path.is_file():
            write_json(path, {"metric": design.study.tuning_metric, **tuning.to_json()})


def retry_failed(design: Design) -> None:
    """Forgets failures, so that their cells run again; from their last checkpoint, if they left one."""
    for name in design.study.arms:
        for cell in list(design.known_cells(name)):  # a failed tuning run that is forgotten hides those after it
            cell.failure.unlink(missing_ok=True)
        (design.root / "tuning" / f"{name}.json").unlink(missing_ok=True)


def _run_if_free(cell: Cell, design: Design, registry: Registry, device: str | None, say: Say) -> bool:
    """Runs the cell, unless it is settled; False when another process is at it."""
    cell.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with shared_lock(cell.lock, blocking=False):
            if not cell.settled:  # by whoever held it a moment ago
                _run(cell, design, registry, device, say)
    except Timeout:
        return False
    return True


def _run(cell: Cell, design: Design, registry: Registry, device: str | None, say: Say) -> None:
    say(f"── {cell.name}")
    try:
        recipe = cell.recipe(registry)
        if recipe.rehearsal is not None:
            _take_learned(recipe, design, registry, say)
        run(recipe, device=device, registry=registry, say=say)
    except (Interrupted, Terminated):
        raise
    except FolderTaken as error:  # whoever's run it is, it stays, and the other cells are run
        design.taken[cell.name] = str(error)
        say(f"left alone: {error}")
    except Exception as error:  # whatever it is, it is this cell's
        message = str(error) if isinstance(error, JepaError) else f"{type(error).__name__}: {error}"
        write_json(cell.failure, {"cell": cell.name, "error": message, "traceback": traceback.format_exc()})
        say(f"failed: {message}")


def _take_learned(recipe: Recipe, design: Design, registry: Registry, say: Say) -> None:
    """Takes over the learned part of another cell with the same recipe, if there is one."""
    cells = (cell for name in design.study.arms for cell in design.known_cells(name))
    if other := take_learned(recipe, (cell.folder for cell in cells if cell.folder.finished), registry):
        say(f"learned by {other.path} already")


def main(text: str) -> int:
    """Runs as one of several processes, and stops when its parent is gone; returns the exit status."""
    from jepa_core.registry.registry import named_registry

    outlive_readers()
    job = json.loads(text)
    stop_with_parent(job["parent"])
    try:
        registry = named_registry(job["modules"], [Path(file) for file in job["files"]])
        design = load_study(job["study"], registry)
        design.note_other_runs(registry)
        work(design, registry, device=job["device"], say=say)
    except (JepaError, Terminated) as error:
        print(f"jepa-run: {plain(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
