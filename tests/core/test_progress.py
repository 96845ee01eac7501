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


def test_lines_in_a_file_are_lines(monkeypatch):
    """Nothing moves the cursor, not even a bar inside of a bar."""
    stream = io.StringIO()
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(total=4, desc="training", unit="step") as outer:
        outer.set_postfix({"loss": "1.5"})
        with progress(total=2, desc="evaluating", leave=False) as inner:
            inner.update(2)
        outer.update(4)
    text = stream.getvalue()
    assert not {"\r", "\x1b"} & set(text)
    lines = text.splitlines()
    begun = "training: 0 of 4 after 00:00"
    assert lines[:2] == [begun, f"{begun}, loss=1.5"]  # no rate before there is one
    assert lines[-1].startswith("training: 4 of 4 after 00:00")
    assert lines[-1].endswith("loss=1.5")
    assert all(line.strip() == line for line in lines)
