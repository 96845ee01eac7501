"""Losses paid by the wrong samples, second views for nobody, and a rate that is not kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.objective import planner
from jepa_core.objective.objective import JepaObjective
from jepa_core.verify.checks.selective import interval, selective
from jepa_core.verify.row import Verdict
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.last_token import LastToken
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.core.verify.breaking import changed, red, tiny

CHECK = "selective loss"
PAYS = (CHECK, "samples whose JEPA loss is paid wrongly")
VIEWS = (CHECK, "tokens of second views too many or too few")


def test_second_views_made_for_everybody(monkeypatch):
    """The pairs are right, and what is dropped costs its tokens all the same."""
    lay_out = planner._Layout.pairs

    def wasteful(self, rows, views, needs):
        everybody = self.planner.spec.terms[0].reversal(self.samples)
        found = lay_out(self, torch.arange(len(self.samples)), everybody, needs)
        take = lambda view: type(view)(view.block, view.rows[rows], view.select[rows])  # noqa: E731
        return tuple(replace(pair, source=take(pair.source), target=take(pair.target)) for pair in found)

    monkeypatch.setattr(planner._Layout, "pairs", wasteful)
    assert red(tiny()) == {VIEWS}


def test_labels_of_second_views_that_are_left_out():
    """Seen without the naive passes, which can't express a mask of its own for each layer."""

    class Unlabelled(JepaObjective):
        def plan(self, batch, step=0, training=None):
            plan = super().plan(batch, step, training)
            return replace(plan, labels_by_block=plan.labels_by_block[:1])

    parts = {"mask": ConceptIsolatingMask(1, 2), "embedding": (LastToken(tag=Role.MASK), LastToken(layer=1))}
    parts |= {"reversal": QuestionToEntity(autoencode=True), "pred_ids": ()}
    assert red(tiny(**parts)) == set()
    assert red(tiny(kind=Unlabelled, **parts)) == {(CHECK, "labels left out of NTP, or counted twice")}


def test_a_filter_that_is_left_out(monkeypatch):
    """The planner asks only the last of two filters: pairs and second views of samples that it should leave."""

    class Forgetful(JepaObjective):
        def plan(self, batch, step=0, training=None):
            kept = self.planner.spec
            self.planner.spec = changed(kept, filters=kept.terms[0].filters[1:])
            try:
                return super().plan(batch, step, training)
            finally:
                self.planner.spec = kept

    class Even:
        def __call__(self, eligible, batch, draws):
            return eligible & (batch["index"] % 2 == 0)

    red_lines = red(tiny(kind=Forgetful, filters=(Even(), SampleTypeFilter())))
    assert {PAYS, VIEWS} <= red_lines
    assert {check for check, _ in red_lines} == {CHECK, "layouts agree"}  # the naive passes ask both filters


def test_loss_dropout_that_ignores_its_rate():
    class Keeps(LossDropout):
        def __call__(self, eligible, batch, draws):
            return eligible

    assert red(tiny(filters=(SampleTypeFilter(), Keeps(0.5)))) == {(CHECK, "share dropped by Keeps")}


@pytest.mark.parametrize("level", ["sample", "step"])
@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_rate_that_was_asked_for(rate, level):
    *_, row = selective(tiny(filters=(SampleTypeFilter(), LossDropout(rate, level))))
    assert (row.name, row.verdict) == ("share dropped by LossDropout", Verdict.PASS)
    assert row.figure == pytest.approx(rate, abs=0.03)


def test_nothing_is_paid_without_weight():
    rows = {row.name: row for row in selective(tiny("objective.lambda_jepa=0", "objective.k=0"))}
    assert rows[PAYS[1]].evidence.splitlines()[0].endswith("JEPA for 0")
    assert rows[VIEWS[1]].evidence.startswith("0 tokens of second views")
    assert all(row.verdict is not Verdict.FAIL for row in rows.values())


def test_wilson_interval_by_hand():
    """z = 4: of 8 hits in 16 draws, middle (1/2 + 1/2) / 2 and half width 4/2 · √(1/64 + 1/64)."""
    low, high = interval(8, 16)
    assert (low, high) == pytest.approx((0.5 - 2 * (1 / 32) ** 0.5, 0.5 + 2 * (1 / 32) ** 0.5))
    assert interval(0, 100)[0] == pytest.approx(0)
    assert interval(0, 100)[1] == pytest.approx(16 / 116)
