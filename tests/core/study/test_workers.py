"""The parent of several workers; these are small scripts here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.study import workers
from jepa_core.study.workers import Stopped, threads_each, work_in_processes
from tests.core.study.specimen import pretend, tiny

#: Notes each signal in a file of its own, and ends a while after the first.
POLITE = """
import os, signal, time
caught = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: caught.append(signal.Signals(number).name))
open(f"ready-{os.getpid()}", "w")
end = time.monotonic() + 60
while not caught and time.monotonic() < end:
    time.sleep(0.01)
open(f"stubborn-{os.getpid()}", "w")
time.sleep(0.3)
open(f"caught-{os.getpid()}", "w").write(" ".join(caught))
"""


@pytest.fixture
def script(monkeypatch):
    """The script that the workers run from now on."""

    def use(text: str) -> None:
        start = workers._start
        monkeypatch.setattr(workers, "_start", lambda command, *rest: start([sys.executable, "-c", text], *rest))

    return use


def signal_when(number: int, pattern: str, count: int) -> threading.Thread:
    def wait_and_interrupt():
        give_up = time.monotonic() + 60
        while len(list(Path().glob(pattern))) < count and time.monotonic() < give_up:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait_and_interrupt)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_every_worker_once_and_is_waited_for(registry, script, number):
    script(POLITE)
    before = signal.getsignal(number)
    thread = signal_when(number, "ready-*", 2)
    with pytest.raises(Stopped, match=f"stopped by {number.name}; the same command goes on from there") as caught:
        work_in_processes(tiny(registry), 2)
    thread.join()
    assert caught.value.exit_status == 128 + number
    assert [path.read_text() for path in Path().glob("caught-*")] == [number.name] * 2
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_them_at_once(registry, script):
    """A user who does not want to wait for steps and saves says so again."""
    script(POLITE.replace("time.sleep(0.3)", "time.sleep(60)"))
    threads = [signal_when(signal.SIGHUP, "ready-*", 2), signal_when(signal.SIGTERM, "stubborn-*", 2)]
    with pytest.raises(Stopped):
        work_in_processes(tiny(registry), 2)
    for thread in threads:
        thread.join()
    assert not list(Path().glob("caught-*"))


def test_a_worker_that_dies_is_told_unless_all_is_done(registry, script):
    script("import sys; print('a'); sys.exit('out of memory')")
    design = tiny(registry)
    with pytest.raises(JepaError, match=r"a worker ended with status 1 \(out/logs/.*-0\.log\): out of memory"):
        work_in_processes(design, 1)
    for name in design.study.arms:
        for cells in (design.tuning_cells(name), design.known_cells(name)):
            for cell in cells:
                pretend(cell.recipe(registry))
    work_in_processes(design, 1)


def test_each_has_its_part_of_the_threads(registry, script, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert [threads_each(count) for count in (1, 2, 3, 8)] == [7, 3, 2, 1]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_each(1) >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.getsid(0) == os.getpid()); raise SystemExit(0)"
    with open("log", "wb"):
        worker = workers._start([sys.executable, "-c", code], Path("log"), 2)
    assert worker.wait() == 0
    assert Path("log").read_text().split() == ["2", "True"]


def test_the_job_can_be_read_by_a_worker(registry, monkeypatch):
    commands = []

    def start(command, log, count):
        commands.append(command)
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(workers, "_start", start)
    work_in_processes(tiny(registry), 2, files=[Path("x.py")], device="cpu")
    assert commands[0] == commands[1]
    assert commands[0][1:4] == ["-P", "-m", "jepa_core.study.worker"]
    job = {"study": "study.yaml", "modules": [], "files": ["x.py"], "device": "cpu", "parent": os.getpid()}
    assert json.loads(commands[0][4]) == job
