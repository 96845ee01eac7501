"""The tests that need a CUDA device."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gpu.results import Result, Skipped
from benchmarks.gpu.running_tests import run_tests
from benchmarks.gpu.site import ROOT
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import device_here


def run(result: Result, sizes: Sizes) -> None:
    """Runs the CUDA tests, only from files that hold one, since collecting all files takes long."""
    files = [str(path.relative_to(ROOT)) for path in marked()]
    if not files:
        raise Skipped("no test is marked cuda")
    run_tests(result, [*files, "-m", "cuda"])
    if device_here() == "cpu":
        raise Skipped("no CUDA device: the tests were collected, and skip themselves")


def marked() -> list[Path]:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in files if "pytest.mark.cuda" in path.read_text(encoding="utf-8")]
