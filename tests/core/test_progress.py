from __future__ import annotations

import io
import sys

import pytest

from jepa_core.progress import progress, speaks


@pytest.mark.parametrize(("rank", "talks"), [(None, True), ("0", True), ("3", False)])
def test_the_first_process_talks(monkeypatch, rank, talks):
    monkeypatch.delenv("RANK", raising=False) if rank is None else monkeypatch.setenv("RANK", rank)
    assert speaks() is talks
    with progress(total=1) as bar:
        assert bar.disable is not talks


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 0.2), (False, 10.0)])
def test_a_file_gets_few_lines(monkeypatch, terminal, seconds):
    monkeypatch.delenv("RANK", raising=False)
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(total=3, desc="training") as bar:
        assert bar.mininterval == seconds
    assert "training" in stream.getvalue()
