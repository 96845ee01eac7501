"""A step that two processes share, for real."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from jepa_core.errors import JepaError
from jepa_core.signals import Terminated, ending_on_signals
from jepa_core.verify import torchrun
from jepa_core.verify.checks.denominators import denominators
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_core.verify.torchrun import gradient_in_processes
from tests.children import Child
from tests.core.verify.breaking import registry, tiny


def test_two_processes_give_the_gradient_of_one():
    """The first has all its pairs, the second a few."""
    run = tiny("objective.filters.1.rate=0.3").run
    *_, row = denominators(Context(run, registry(), processes=2))
    assert row.name == "2 processes, against one batch"
    assert row.verdict is Verdict.PASS
    assert row.figure < 1e-6


def test_processes_that_fail_say_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(JepaError, match="2 processes failed"):
        gradient_in_processes(Context(tiny().run, registry(), 2), range(12))


#: Stands for torchrun: notes when it is asked to end, which it has to be for its processes to end too.
LAUNCHER = """
import os, signal, sys, time
def end(*arguments):
    open("asked", "w").close()
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
open("ready", "w").close()
time.sleep(60)
"""


def test_the_launcher_is_asked_to_end_where_it_takes_too_long(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torchrun, "PATIENCE", 1.0)
    status, _ = torchrun._run([sys.executable, "-c", "import time; time.sleep(.2)\n" + LAUNCHER])
    assert status is None
    assert (tmp_path / "asked").exists() or not (tmp_path / "ready").exists()


def test_the_launcher_is_asked_to_end_when_we_are(monkeypatch, tmp_path):
    """subprocess.run would kill it, and leave its processes to wait for each other."""
    monkeypatch.chdir(tmp_path)

    def act() -> None:
        with ending_on_signals():
            torchrun._run([sys.executable, "-c", LAUNCHER])

    child = Child(lambda: _exit_status_of(act))
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait() == 128 + signal.SIGTERM
    assert (tmp_path / "asked").exists()


def _exit_status_of(act) -> None:
    try:
        act()
    except Terminated as error:
        sys.exit(error.exit_status)


def test_nothing_in_the_current_folder_is_imported(monkeypatch, tmp_path):
    """Neither by the launcher nor by what it starts, to which its environment goes."""
    monkeypatch.chdir(tmp_path)
    commands = []
    monkeypatch.setattr(torchrun, "_run", lambda command: (commands.append(command), (None, ""))[1])
    with pytest.raises(JepaError, match="did not end within"):
        gradient_in_processes(Context(tiny().run, registry(), 2), range(12))
    assert commands[0][1] == "-P"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queue.py").write_text("open('imported', 'w').close()")
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', 'queue']))"
    assert torchrun._run([sys.executable, "-P", "-c", child])[0] == 0
    assert not (tmp_path / "imported").exists()
