"""A step that two processes share, for real."""

from __future__ import annotations

import sys

import pytest

from jepa_core.errors import JepaError
from jepa_core.verify.checks.denominators import denominators
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_core.verify.torchrun import gradient_in_processes
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
