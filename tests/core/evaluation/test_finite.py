from __future__ import annotations

import json

import pytest

from jepa_core.evaluation.finite import not_finite, nothing_finite, without_non_finite

NAN, INF = float("nan"), float("inf")


def test_finite_metrics_are_left_as_they_are():
    metrics = {"mrr": 0.5, "jepa_loss": None, "num_samples": 3, "layers": {"0": {"mrr": 1.0}}}
    assert without_non_finite(metrics) == metrics


def test_what_is_no_number_is_null_and_named():
    metrics = {"mrr": 0.5, "ntp_loss": NAN, "layers": {"0": {"ntp_loss": INF, "mrr": 0.1}}}
    found = without_non_finite(metrics)
    assert found == {
        "mrr": 0.5,
        "ntp_loss": None,
        "layers": {"0": {"ntp_loss": None, "mrr": 0.1}},
        "non_finite": {"figures": ["ntp_loss", "layers.0.ntp_loss"]},
    }
    json.dumps(found, allow_nan=False)


def test_it_is_told_by_split():
    metrics = {
        "train": {"mrr": 1.0},
        "test": without_non_finite({"ntp_loss": NAN, "non_finite": {"tokens": 2, "of": 1000}}),
        "more": without_non_finite({"jepa_loss": NAN}),
    }
    assert not_finite(metrics) == [
        "warning: test: 2 of 1,000 tokens of answers have no finite score and rank last; not finite, and null: ntp_loss",
        "warning: more: not finite, and null: jepa_loss",
    ]


@pytest.mark.parametrize(
    ("tokens", "broken"), [([4, 2], True), ([4, 1], False), ([None, 2], False), ([None, None], False), ([], False)]
)
def test_a_model_without_one_finite_answer_is_none(tokens, broken):
    of = [4, 2]
    metrics = {
        str(split): {} if bad is None else {"non_finite": {"tokens": bad, "of": of[split]}}
        for split, bad in enumerate(tokens)
    }
    assert nothing_finite(metrics) is broken
