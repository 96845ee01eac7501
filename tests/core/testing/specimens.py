"""Specimens: contract subclasses that say themselves which inherited tests must fail."""

from __future__ import annotations

from types import ModuleType

import pytest

import jepa_core.testing

#: Of every kind.
CONTRACTS = tuple(getattr(jepa_core.testing, name) for name in jepa_core.testing.__all__)


class Failures:
    """Collects failed tests: class name -> test id -> what pytest says."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.failed: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _, class_name, test = report.nodeid.split("::")
        self.seen.add(class_name)
        if report.failed:
            self.failed.setdefault(class_name, {})[test] = str(report.longrepr)


def specimens(module: ModuleType) -> list[type]:
    """The contract subclasses of a module, those that must pass first."""
    found = [c for n, c in vars(module).items() if n.startswith("Test") and issubclass(c, CONTRACTS)]
    return sorted(found, key=lambda c: len(getattr(c, "fails", ())))


def check(failures: Failures, specimen: type) -> None:
    """The inherited tests that failed are the ones that the specimen says, and each names its clause."""
    name, expected = specimen.__name__, set(getattr(specimen, "fails", ()))
    assert name in failures.seen
    failed = failures.failed.get(name, {})
    if getattr(specimen, "fails_wherever_called", False):
        assert expected <= failed.keys()
    else:
        assert failed.keys() == expected, f"{sorted(failed)} failed"
        assert all("The contract says: " in text for text in failed.values())
