"""Whatever a stage does, it has a result, and the stages after it run."""

from __future__ import annotations

import sys
import time

import pytest

from benchmarks.gpu import chain as module
from benchmarks.gpu.chain import Chain
from benchmarks.gpu.results import read

#: What its stages do in a process: end well, hang after a row, die after a row, fail, end well.
WORKER = """
import os, sys, time
from pathlib import Path
from benchmarks.gpu.results import begin
home, until, scale, *names = sys.argv[1:]
for name in names:
    result = begin(Path(home), name, time.time() + 1)
    result.row("Rows", of=name)
    if name == "steps":
        time.sleep(60)
    if name == "text":
        print("about to die", flush=True)
        os._exit(3)
    if name == "graphs":
        result.end("failed", "as it was told to")
        sys.exit(1)
    result.end("ok")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs stages with this program for a worker, at most so many seconds; returns state and reason of each."""

    def run(worker: str, names: list[str], seconds: float = 30.0) -> dict[str, tuple[str, str]]:
        monkeypatch.setattr(module, "WORKER", (sys.executable, "-c", worker))
        monkeypatch.setattr(module, "LEAST", 0.5)
        environment = {"PYTHONPATH": str(module.ROOT)}
        chain = Chain(list(names), tmp_path, environment, time.time() + seconds, 0.001, True)
        while chain.tend():
            time.sleep(0.02)
        found = {name: read(tmp_path, name) for name in names}
        return {name: (result.state, result.reason) if result else ("", "") for name, result in found.items()}

    return run


def test_each_has_its_result_and_the_next_runs(run, tmp_path):
    found = run(WORKER, ["rates", "steps", "text", "graphs", "scale"])
    assert [state for state, _ in found.values()] == ["ok", "failed", "failed", "failed", "ok"]
    assert found["steps"][1].startswith("ended after 1 s")
    assert found["text"][1] == "its process ended with status 3; last in its log: about to die"
    assert found["graphs"][1] == "as it was told to"
    assert all(read(tmp_path, name).tables == {"Rows": [{"of": name}]} for name in found)


def test_a_process_that_can_not_begin_fails_its_stages_one_by_one(run):
    found = run("import sys; sys.exit('no torch here')", ["rates", "steps"])
    assert set(found.values()) == {("failed", "its process ended with status 1; last in its log: no torch here")}


def test_what_is_left_when_time_is_over_is_skipped(run):
    found = run(WORKER, ["steps", "rates"], seconds=1.0)
    assert found["steps"][0] == "failed"
    assert found["rates"] == ("skipped", "no time was left")


def test_when_time_is_over_what_runs_is_ended(run, monkeypatch):
    monkeypatch.setattr(module, "IMPORTS", 0)
    began = time.time()
    found = run("import time; time.sleep(60)", ["rates"], seconds=1.0)
    assert found["rates"][0] == "failed"
    assert time.time() - began < 30
