from __future__ import annotations

import pytest
from pydantic import ValidationError

from jepa_core.study.schema import Arm, Study

ARMS = {"a": {"recipe": "r", "grid": {"x": [1, 2]}}, "b": {"recipe": "r", "without": "a"}, "c": {"recipe": "r"}}
STUDY = {"output_dir": "out", "metric": "test.mrr", "seeds": [1, 2], "tune": {"seeds": [0]}, "arms": ARMS}


def study(**changed) -> Study:
    return Study.model_validate({**STUDY, **changed})


def test_points_are_every_combination_in_the_order_of_the_file():
    arm = Arm.model_validate({"recipe": "r", "grid": {"b": [1e-3, {"name": "l2"}], "a": [True, "x"]}})
    assert arm.points == [
        (("b", "0.001"), ("a", "true")),
        (("b", "0.001"), ("a", '"x"')),
        (("b", '{"name": "l2"}'), ("a", "true")),
        (("b", '{"name": "l2"}'), ("a", '"x"')),
    ]
    assert Arm(recipe="r").points == [()]


def test_who_is_compared_with_whom():
    made = study(metrics=["test.a", "test.mrr", "train.b"])
    assert made.main_arms == ["a", "c"]
    assert made.columns == ("test.mrr", "test.a", "train.b")
    assert [made.tuned_with(name) for name in ARMS] == ["a", "a", "c"]
    own = {**ARMS, "b": {"recipe": "r", "without": "a", "grid": {"x": [1]}}}
    assert study(arms=own).tuned_with("b") == "b"


def test_tuning_may_go_by_another_metric():
    assert study().tuning_metric == "test.mrr"
    assert study(tune={"seeds": [0], "metric": "train.x"}).tuning_metric == "train.x"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seeds": [1, 1]}, "seeds: names a seed twice"),
        ({"tune": {"seeds": [1, 1]}}, "tune: names a seed twice"),
        ({"tune": {"seeds": [1], "metric": "mrr"}}, "tune: expected SPLIT.NAME, like test.mrr, not 'mrr'"),
        ({"tune": None}, "tune: is missing, and 'a' has a grid"),
        ({"arms": {"c": {"recipe": "r"}}}, "tune: has no effect: no arm has a grid"),
        ({"metric": "mrr"}, "metric: expected SPLIT.NAME, like test.mrr, not 'mrr'"),
        ({"metrics": ["mrr"]}, "metrics: expected SPLIT.NAME"),
        ({"arms": {**ARMS, "../x": {"recipe": "r"}}}, r"the name '\.\./x' becomes a folder's"),
        ({"arms": {**ARMS, "d": {"recipe": "r", "without": "d"}}}, "'d' is without 'd', which is no other arm"),
        ({"arms": {**ARMS, "d": {"recipe": "r", "without": "e"}}}, "'d' is without 'e', which is no other arm"),
        ({"arms": {**ARMS, "d": {"recipe": "r", "without": "b"}}}, "'b', which is an ablation itself"),
        ({"arms": {**ARMS, "d": {"recipe": "r", "seeds": [3, 3]}}}, "seeds: names a seed twice"),
        ({"arms": {"a": {"recipe": "r", "grid": {"x": [1, 1]}}}}, "'x' names a value twice"),
        ({"arms": {"a": {"recipe": "r", "grid": {"x": [1]}, "overrides": ["x=2"]}}}, "'x' is among the overrides too"),
    ],
)
def test_what_does_not_go_together_is_refused(changed, words):
    with pytest.raises(ValidationError, match=words):
        study(**changed)
