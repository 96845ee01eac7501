"""Workers on a shared folder that are killed at random: no cell is lost, and none is run twice.

Minutes long: ``-m slow``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jepa_core.study.cells import Cell
from jepa_core.study.design import Design
from jepa_core.study.worker import work
from tests.core.study.specimen import STUDY, tiny
from tests.tiny_runs import digest

pytestmark = pytest.mark.slow
WORKERS, KILLS, PATIENCE = 2, 8, 400.0


def start() -> subprocess.Popen:
    """A worker, as ``jepa-run study`` starts it."""
    job = {"study": "study.yaml", "modules": [], "files": [], "device": "cpu", "parent": os.getpid()}
    command = [sys.executable, "-P", "-m", "jepa_core.study.worker", json.dumps(job)]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdin=nowhere, stdout=nowhere, stderr=nowhere
    )


def cells(design: Design) -> Iterator[Cell]:
    for name in design.study.arms:
        yield from design.known_cells(name)


def finished(design: Design) -> dict[Path, int]:
    """When the metrics of each finished cell were written."""
    paths = [cell.folder.metrics for cell in cells(design)]
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}


def test_no_cell_is_lost_and_none_is_run_twice(registry, monkeypatch, tmp_path):
    for folder in ("alone", "shared"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    alone = tiny(registry, STUDY)
    work(alone, registry, device="cpu")
    monkeypatch.chdir(tmp_path / "shared")
    design, draws, kills = tiny(registry, STUDY), random.Random(7), 0
    running, seen, end = [start() for _ in range(WORKERS)], {}, time.monotonic() + PATIENCE
    try:
        while not design.finished or any(worker.poll() is None for worker in running):
            assert time.monotonic() < end
            time.sleep(draws.uniform(1, 9))
            for path, when in finished(design).items():
                assert seen.setdefault(path, when) == when
            running = [worker for worker in running if worker.poll() is None]
            if kills < KILLS and running:
                victim = draws.choice(running)
                victim.send_signal(signal.SIGKILL)
                victim.wait()
                kills += 1
                running = [worker for worker in running if worker is not victim]
                running.append(start())
    finally:
        for worker in running:
            worker.kill()
            worker.wait()
    assert kills >= 3
    assert len(finished(design)) == len(list(cells(alone)))
    for cell, undisturbed in zip(cells(design), cells(alone), strict=True):
        assert digest(cell.folder.metrics) == digest(tmp_path / "alone" / undisturbed.folder.metrics)
        steps = [line["step"] for line in map(json.loads, cell.folder.log.read_text().splitlines()) if "loss" in line]
        assert steps == sorted(set(steps)) == list(range(1, 7))
