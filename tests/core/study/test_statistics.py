from __future__ import annotations

import sys

import pytest
import torch

from jepa_core.errors import JepaError
from jepa_core.study.statistics import Summary, summarise


def test_by_hand():
    """Quantiles of a printed table: t(.975) is 12.706 with 1 degree of freedom, 2.776 with 4."""
    two = summarise([0.0, 2.0])
    assert (two.mean, two.n) == (1.0, 2)
    assert two.half == pytest.approx(12.706, abs=5e-4)
    five = summarise([1.0, 2.0, 3.0, 4.0, 5.0])
    assert five.half == pytest.approx(2.776 * 2.5**0.5 / 5**0.5, abs=1e-3)


def test_one_value_has_no_interval():
    assert summarise([0.5]) == Summary(0.5, None, 1)
    assert summarise([]) is None
    assert str(Summary(0.5, None, 1)) == "0.5000"
    assert str(Summary(0.5, 0.1, 2)) == "0.5000 ± 0.1000"


def test_it_holds_the_mean_95_times_in_100():
    torch.manual_seed(0)
    found = [summarise(values) for values in torch.randn(2000, 5).tolist()]
    assert 0.935 < sum(abs(s.mean) <= s.half for s in found) / len(found) < 0.965


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(JepaError, match=r"intervals need scipy.*pip install 'jepa-core\[study\]'"):
        summarise([1.0, 2.0])
