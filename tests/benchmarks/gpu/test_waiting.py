"""Waits for the device are counted by the line that asked, here by the warning alone that torch gives of one."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from torch import nn

from benchmarks.gpu.waiting import counted, error_of, shown, waits, words_of

WAIT = "called a synchronizing CUDA operation (Triggered internally at somewhere)"


def module(filename: str, text: str) -> dict[str, Any]:
    """Names that were defined in a file of this name."""
    names: dict[str, Any] = {"warnings": warnings, "WAIT": WAIT}
    exec(compile(text, filename, "exec"), names)
    return names


def test_a_wait_is_counted_at_the_innermost_line_of_ours_that_asked():
    """Calls of torch's own in between are not named."""
    torchs = module("/site/torch/functional.py", "def einsum(): warnings.warn(WAIT, stacklevel=1)")
    ours = module("/site/jepa_core/objective/plan.py", "\ndef labelled(call): call(); call()")
    trainer = module("/site/transformers/trainer.py", "def step(call, inner): call(inner)")
    places = waits(lambda: trainer["step"](ours["labelled"], torchs["einsum"]))
    assert places == {"jepa_core/objective/plan.py:2 labelled": 2}
    assert words_of(places) == "2 × jepa_core/objective/plan.py:2 labelled"


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
