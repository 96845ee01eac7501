"""Lines: verdicts, how figures are told, and where code stands."""

from __future__ import annotations

import inspect
from functools import partial

import pytest
import torch

from jepa_core.objective.objective import JepaObjective
from jepa_core.verify.row import Row, Verdict, at_most, exactly, not_applicable, source_of
from jepa_core.views.visibility import visible
from jepa_plugins.block_causal_mask import BlockCausalMask


@pytest.mark.parametrize(
    ("figure", "bound", "verdict"),
    [(0, 0, "pass"), (1, 0, "fail"), (1e-6, 1e-5, "pass"), (1e-4, 1e-5, "fail"), (float("nan"), 1, "fail")],
)
def test_at_most(figure, bound, verdict):
    assert str(at_most("a", figure, bound, "", "").verdict) == verdict


@pytest.mark.parametrize(("figure", "verdict"), [(0, "fail"), (1, "pass"), (2, "fail")])
def test_exactly(figure, verdict):
    assert str(exactly("calls", figure, 1, "", "").verdict) == verdict


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (at_most("a", 0, 0, "", ""), "0 (= 0)"),
        (at_most("a", 0.0, 0, "", ""), "0 (= 0)"),
        (at_most("a", 2.14e-7, 1e-5, "", ""), "2.1e-07 (≤ 1e-05)"),
        (at_most("a", 12345, 99999, "", ""), "12,345 (≤ 99999)"),
        (Row("a", Verdict.PASS, -0.25), "-0.25"),
        (not_applicable("a", "why"), ""),
    ],
)
def test_told(row, told):
    assert row.told == told


def test_json_has_no_nan():
    data = Row("a", Verdict.FAIL, float("inf"), "= 0", "told", "here:1", "health").to_json()
    expected = {"name": "a", "verdict": "fail", "figure": None, "bound": "= 0", "evidence": "told", "source": "here:1"}
    assert data == {**expected, "check": "health"}


@pytest.mark.parametrize(
    ("code", "function"),
    [
        (visible, visible),
        (partial(visible, None), visible),
        (BlockCausalMask(), BlockCausalMask.__call__),
        (JepaObjective.forward, JepaObjective.forward),
    ],
)
def test_source_of(code, function):
    file, line = source_of(code).rsplit(":", 1)
    assert inspect.getsourcefile(function).endswith(f"/{file}")
    assert file.split("/")[0] in ("jepa_core", "plugins", "jepa_plugins")
    assert int(line) == inspect.getsourcelines(function)[1]


def test_source_of_what_has_none():
    assert source_of(torch.ones(1).add_).endswith("add_")
    module = torch.nn.Identity()
    assert "forward" in inspect.getsource(type(module).forward)
    assert source_of(module).startswith("torch/nn/modules/linear.py:")
