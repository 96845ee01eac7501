"""Waits for the device are counted by the line that asked, here by the warning alone that torch gives of one."""

from __future__ import annotations

import warnings
from collections import Counter

import torch
from torch import nn

from benchmarks.gpu.waiting import counted, error_of, shown, waits, words_of
from jepa_core.samples import draws

WAIT = "called a synchronizing CUDA operation (Triggered internally at somewhere)"


def test_a_wait_is_counted_at_the_line_of_ours_that_asked(monkeypatch):
    def waiting(x: torch.Tensor) -> torch.Tensor:
        warnings.warn(WAIT, stacklevel=1)
        return x

    def step() -> None:
        draws.sequence_ids(torch.tensor([[1, 2]]), torch.tensor([[True, True]]))

    with monkeypatch.context() as patched:
        patched.setattr(draws, "mix", waiting)
        places = waits(step)
    assert places.total() > 0
    assert {place.split(":")[0] for place in places} == {"jepa_core/samples/draws.py"}
    assert words_of(places).endswith("sequence_ids")


def test_other_warnings_are_no_waits():
    places: Counter[str] = Counter()
    with counted(places):
        warnings.warn("Synchronization debug mode does not yet detect all synchronizing operations", stacklevel=1)
    assert places == Counter()


def test_warnings_are_shown_as_before_afterwards():
    before = warnings.showwarning
    with counted(Counter()):
        assert warnings.showwarning is not before
    assert warnings.showwarning is before


def test_what_a_wait_raises_is_told_with_its_place():
    def step() -> None:
        raise RuntimeError("called a synchronizing CUDA operation")

    assert error_of(step).startswith("RuntimeError: called a synchronizing CUDA operation (")
    assert error_of(step).endswith(" step)")
    assert error_of(lambda: None) == ""


def test_a_place_is_shown_without_where_its_package_lies():
    import traceback

    frame = traceback.FrameSummary("/somewhere/jepa_core/site/jepa_core/objective/plan.py", 7, "labelled")
    assert shown(frame) == "jepa_core/objective/plan.py:7 labelled"
    frame = traceback.FrameSummary(nn.__file__, 3, "forward")
    assert shown(frame) == "torch/nn/__init__.py:3 forward"
