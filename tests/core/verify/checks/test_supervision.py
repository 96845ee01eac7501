"""Labels at the wrong token, ends without one, and tokens that get lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.objective import planner
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import append_predictors
from jepa_core.samples.samples import Samples
from jepa_core.verify.checks.supervision import supervision
from jepa_core.verify.row import Verdict
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from tests.core.verify.breaking import red, tiny

CHECK = "supervision"
SHIFTED = (CHECK, "labels that are not the token they stand at")
END = (CHECK, "samples whose answer is not labelled to its end")
NEXT = (CHECK, "labels not asked of the token before them")
LOST = (CHECK, "samples that lose tokens to truncation")


def relabelled(change):
    """A tiny run whose training set has other labels."""

    class Relabelled(FactSet):
        def __getitems__(self, items):
            batch = super().__getitems__(items)
            return batch | {"labels": change(batch["labels"].clone(), batch)}

    context = tiny()
    train = context.run.train_dataset
    relabelled = Relabelled(Samples(train.ids, train.tags), train.sample_type)
    context.run.data = replace(context.run.data, train=relabelled)
    return context


def shifted(labels, batch):
    """Shifts labels as some libraries want them; the objective shifts again."""
    return torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], -100)], dim=1)


def without_end(labels, batch):
    labels[:, -1] = -100
    labels[:, -2] = batch["input_ids"][:, -2]
    return labels


def test_labels_that_are_shifted_already():
    assert red(relabelled(shifted)) == {SHIFTED, END}


def test_an_end_that_is_never_trained():
    """A label stands on the token before, and none on the end."""
    assert red(relabelled(without_end)) == {END}


def test_labels_asked_of_the_wrong_token():
    class OneLater(JepaObjective):
        def plan(self, batch, step=0, training=None):
            plan = super().plan(batch, step, training)
            own, *others = plan.labels_by_block
            return replace(plan, labels_by_block=(replace(own, columns=own.columns + 1), *others))

    found = red(tiny(kind=OneLater))
    assert NEXT in found
    assert {check for check, _ in found} == {CHECK, "layouts agree"}


def test_labels_of_a_second_view_asked_of_the_wrong_token():
    class OneEarlier(JepaObjective):
        def plan(self, batch, step=0, training=None):
            plan = super().plan(batch, step, training)
            own, *others = plan.labels_by_block
            moved = (replace(labels, columns=labels.columns - 1) for labels in others)
            return replace(plan, labels_by_block=(own, *moved))

    spelled = {"reversal": QuestionToEntity(autoencode=True), "pred_ids": ()}
    found = red(tiny(kind=OneEarlier, **spelled))
    assert NEXT in found
    assert {check for check, _ in found} == {CHECK, "layouts agree"}
    assert red(tiny(**spelled)) == set()


def test_predictor_tokens_that_get_lost(monkeypatch):
    monkeypatch.setattr(planner, "append_predictors", lambda facts, pred_ids: append_predictors(facts, pred_ids[:1]))
    found = red(tiny("objective.k=2"))
    assert LOST in found
    assert {check for check, _ in found} == {CHECK, "layouts agree"}


def test_what_is_labelled_is_shown_in_words():
    row = next(iter(supervision(tiny())))
    assert row.verdict is Verdict.PASS
    assert row.evidence.startswith("50 tail tokens labelled in 50 samples, e.g. <e_")
    assert row.evidence.count("[<e_") == 1


@pytest.mark.parametrize(("k", "highest"), [(0, 7), (1, 8), (3, 10)])
def test_the_highest_position(k, highest):
    """Four tokens and k predictors, then four more."""
    *_, row = supervision(tiny(f"objective.k={k}"))
    assert (row.figure, row.bound, row.verdict) == (highest, "≤ 31", Verdict.PASS)
