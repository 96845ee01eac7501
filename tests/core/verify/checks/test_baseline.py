"""JEPA losses that are there without a weight, and next-token prediction that is another because of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from jepa_core.objective import objective as objective_module
from jepa_core.objective import planner as planner_module
from jepa_core.objective.planner import Planner, _Layout
from jepa_core.verify.checks import baseline as check
from jepa_core.verify.checks.baseline import LIMIT, ZERO, baseline
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_plugins.variance_covariance import VarianceCovariance
from tests.core.verify.breaking import red, tiny
from tests.plugins.text.verified import checked

DROPOUT = "model.config.resid_pdrop=0.1"
IN_ROW = ["objective.reversal=tube", "objective.embedding=difference", "objective.k=0"]


@pytest.fixture(params=["facts", "text"])
def make(request, tmp_path):
    """The context of a tiny recipe of each task."""
    if request.param == "facts":
        return lambda *overrides, **parts: tiny(DROPOUT, *overrides, **parts)
    return lambda *overrides, **parts: checked(tmp_path, DROPOUT, *overrides, **parts)


def verdicts(context):
    return {row.name: row.verdict for row in baseline(context)}


def test_what_is_right_passes(make):
    assert verdicts(make()) == {ZERO: Verdict.PASS, LIMIT: Verdict.PASS}
    assert verdicts(make("objective.lambda_jepa=0")) == {ZERO: Verdict.PASS, LIMIT: Verdict.NA}
    schedule = "objective.lambda_jepa={start: 0, end: 1, steps: 4}"
    assert verdicts(make(schedule, "objective.target={ema: 0.9}")) == {ZERO: Verdict.PASS, LIMIT: Verdict.PASS}


def test_views_in_the_row_itself(tmp_path):
    assert verdicts(checked(tmp_path, *IN_ROW)) == {ZERO: Verdict.PASS, LIMIT: Verdict.PASS}


def test_a_weight_that_is_never_quite_nothing(make, monkeypatch):
    def at_least(weight, step):
        return max(float(weight), 1e-3)

    monkeypatch.setattr(planner_module, "weight_at", at_least)
    monkeypatch.setattr(objective_module, "weight_at", at_least)
    assert verdicts(make()) == {ZERO: Verdict.FAIL, LIMIT: Verdict.FAIL}


def test_a_regularizer_that_does_not_ask_for_the_losses_weight(monkeypatch):
    """The views are made all the same, and the regularizer pulls with its own weight."""
    monkeypatch.setattr(planner_module, "weight_at", lambda weight, step: 1.0)
    term = (("spread", VarianceCovariance()),)
    assert verdicts(tiny(regularizers=term)) == {ZERO: Verdict.FAIL, LIMIT: Verdict.PASS}


def test_planning_that_draws_from_the_models_random_numbers(make, monkeypatch):
    plan = Planner.__call__

    def drawing(self, *args):
        if self.spec.terms[0].distance is not check._no_distance:
            torch.rand(1)
        return plan(self, *args)

    monkeypatch.setattr(Planner, "__call__", drawing)
    assert verdicts(make())[ZERO] is Verdict.FAIL


def test_predictor_tokens_that_nothing_asks_for(monkeypatch):
    """They make the row of a sample wider, and its rounding another."""
    prepare = _Layout.__post_init__

    def always(self):
        prepare(self)
        if len(self.planner.pred_ids):
            self.first = planner_module.append_predictors(self.samples, self.planner.pred_ids)
            self.blocks[0] = self.planner.block(self.first, self.blocks[0].sample, torch.zeros_like(self.start))

    monkeypatch.setattr(_Layout, "__post_init__", always)
    found = verdicts(tiny(DROPOUT))
    assert found[ZERO] is Verdict.FAIL


def test_what_has_no_baseline_is_told(monkeypatch):
    nothing = dict.fromkeys((ZERO, LIMIT), Verdict.NA)
    assert verdicts(tiny("objective.gamma_ntp=0")) == nothing
    plans = {True: SimpleNamespace(jepa_pairs=3, labels=6), False: SimpleNamespace(labels=4)}
    monkeypatch.setattr(check, "_gradient", lambda context, spec: (plans[bool(spec.pred_ids)], {}))
    [row] = [row for row in baseline(tiny()) if row.name == LIMIT]
    assert (row.verdict, row.evidence) == (Verdict.NA, "the second views have 2 labels of their own")


def test_a_device_whose_rounding_is_another_each_time(monkeypatch):
    from jepa_core.verify import one_step

    given = iter(range(10))
    monkeypatch.setattr(one_step, "trained", lambda *args: {"w": torch.tensor([next(given)])})
    context = tiny()
    assert verdicts(context)[ZERO] is Verdict.FAIL
    monkeypatch.setattr(Context, "device", torch.device("meta"))
    monkeypatch.setattr(check, "_limit", lambda context, source: None)
    assert next(iter(baseline(context))).verdict is Verdict.NA


def test_it_is_one_of_the_checks():
    assert ("baseline", ZERO) in red(tiny(), Verdict.PASS)
