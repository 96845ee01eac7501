"""Tests that need no GPU, where there is one: transformers' Trainer and others take it when they see it."""

from __future__ import annotations

from benchmarks.gpu.results import Result
from benchmarks.gpu.running_tests import run_tests
from benchmarks.gpu.sizes import Sizes


def run(result: Result, sizes: Sizes) -> None:
    run_tests(result, [*sizes.suite, "-m", "not slow and not cuda and not browser"])
