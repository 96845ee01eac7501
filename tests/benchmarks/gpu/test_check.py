"""The check as a whole, with stages that do nothing: which run beside each other, and what is written when."""

from __future__ import annotations

import json
import sys
from itertools import pairwise

import pytest

from benchmarks.gpu import chain
from benchmarks.gpu.check import Check
from benchmarks.gpu.stages import ALONE, STAGES, TOGETHER

#: Its stages say when they ran. The first of each group waits for the other's, so they end early only side by side.
WORKER = """
import sys, time
from pathlib import Path
from benchmarks.gpu.results import begin
home, until, scale, *names = sys.argv[1:]
for name in names:
    result = begin(Path(home), name, 0)
    began = time.time()
    other = {"environment": "cuda_tests", "cuda_tests": "environment"}.get(name)
    while other and not Path(home, f"{other}.json").exists() and time.time() < began + 20:
        time.sleep(0.01)
    time.sleep(0.05)
    if name == "steps":
        result.beyond("too slow")
    result.row("When", began=began, ended=time.time())
    result.end("beyond" if result.reason else "ok", result.reason)
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setattr(chain, "WORKER", (sys.executable, "-c", WORKER))
    return Check(tmp_path / "out", 60, tiny=False, wheels=None)


def content(check):
    return json.loads((check.out / f"{check.name}.json").read_text(encoding="utf-8"))


def test_only_what_is_not_timed_runs_side_by_side(check):
    results = {result.stage: result for result in check.run()}
    when = {name: result.tables["When"][0] for name, result in results.items()}
    together = [name for group in TOGETHER for name in group]
    assert max(when[group[0]]["began"] for group in TOGETHER) < min(when[group[0]]["ended"] for group in TOGETHER)
    assert max(when[name]["ended"] for name in together) < when[ALONE[0]]["began"]
    assert all(when[one]["ended"] <= when[next_]["began"] for one, next_ in pairwise(ALONE))


def test_the_report_has_every_stage_and_its_state(check):
    check.run()
    states = {stage["stage"]: (stage["state"], stage["reason"]) for stage in content(check)["stages"]}
    assert states == {name: ("beyond", "too slow") if name == "steps" else ("ok", "") for name in STAGES}
    text = (check.out / f"{check.name}.md").read_text(encoding="utf-8")
    assert f"| {STAGES['steps'].title} | beyond |" in text


def test_what_was_measured_is_written_before_the_end(check, monkeypatch):
    """A check that is itself ended leaves what it had."""
    seen = []
    monkeypatch.setattr("benchmarks.gpu.check.REPORT", 0.0)
    write = check.write

    def watched(picture: bool = False) -> None:
        write(picture)
        seen.append([stage["stage"] for stage in content(check)["stages"] if stage["state"] != "running"])

    monkeypatch.setattr(check, "write", watched)
    check.run()
    assert any(0 < len(stages) < len(STAGES) for stages in seen)


def test_a_report_that_fails_loses_nothing(check, monkeypatch):
    def broken(*args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("benchmarks.gpu.check.report", broken)
    check.run()
    assert {path.stem for path in check.out.glob("*.json")} == set(STAGES)
