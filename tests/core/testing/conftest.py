"""Running the specimens: contract subclasses that say themselves which inherited tests must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
QUIET = ["-q", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header", "--tb=short"]


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


@pytest.fixture(scope="module")
def failures(request):
    """The failures of the specimens beside the requesting module: test_mask.py runs mask_specimens.py."""
    name = request.path.stem.removeprefix("test_")
    found = Failures()
    pytest.main([*QUIET, str(FOLDER / f"{name}_specimens.py")], plugins=[found])
    return found
