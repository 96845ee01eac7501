"""Tests in this process, with what they come to as rows."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.gpu.results import Result
from benchmarks.gpu.site import ROOT

#: Instead of those of setup.cfg, which want several processes.
OPTIONS = ["-q", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
#: Failures that are told one by one.
TOLD = 12


class Outcomes:
    """A pytest plugin: counts, and what failed with its last line."""

    def __init__(self, result: Result):
        self.result = result
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1
        if report.failed:
            self.failures.append({"test": report.nodeid, "error": last_line(str(report.longrepr))})

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.counts["failed"] += 1
            self.failures.append({"test": report.nodeid, "error": last_line(str(report.longrepr))})

    def pytest_runtest_logfinish(self) -> None:
        """Saves the counts after each test, so that they outlive the end of the stage's time."""
        self.result.tables["Tests"] = [self.counts]
        self.result.save()
        if self.result.left() < 0:
            raise pytest.exit.Exception("out of time")


def run_tests(result: Result, arguments: list[str]) -> None:
    outcomes = Outcomes(result)
    status = pytest.main([*OPTIONS, *arguments], plugins=[outcomes])
    result.tables["Tests"] = [outcomes.counts]
    for failure in outcomes.failures[:TOLD]:
        result.row("Failed", **failure)
    if outcomes.counts["failed"]:
        result.beyond(f"{outcomes.counts['failed']} failed, the first: {outcomes.failures[0]['test']}")
    elif status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        result.beyond(f"pytest ended with status {int(status)}")


def last_line(text: str) -> str:
    """The line with the error of a failure's report."""
    lines = [line for line in text.splitlines() if line.startswith("E ")] or text.strip().splitlines() or [""]
    return lines[-1].lstrip("E ").strip()[:200]
