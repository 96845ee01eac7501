from __future__ import annotations

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder.files import write_json
from jepa_core.study.tuning import Tuning, metric_value, read_tuning, unknown_metrics
from tests.core.study.specimen import STUDY, pretend, tiny

SLOW, FAST, WILD = (("lr", "1"),), (("lr", "2"),), (("lr", "3"),)


def test_the_best_point_has_the_largest_mean():
    tuning = Tuning({SLOW: [0.25, 0.5], FAST: [0.0, 1.0], WILD: [0.4, 0.4]}, complete=True)
    assert tuning.means == {SLOW: 0.375, FAST: 0.5, WILD: pytest.approx(0.4)}
    assert tuning.best == FAST
    assert tuning.to_json()["best"] == {"lr": 2}
    assert tuning.to_json()["points"][0] == {"point": {"lr": 1}, "values": [0.25, 0.5], "mean": 0.375}


def test_of_equals_the_first():
    assert Tuning({SLOW: [0.5], FAST: [0.5]}, complete=True).best == SLOW


def test_a_point_with_a_failed_run_is_out():
    assert Tuning({SLOW: [0.1, 0.1], FAST: [1.0, None]}, complete=True).best == SLOW
    assert Tuning({SLOW: [None]}, complete=True).best is None


def test_nothing_is_chosen_before_all_is_known():
    assert Tuning({SLOW: [0.1], FAST: [None]}, complete=False).best is None
    assert Tuning({}, complete=True).best == ()


def test_it_is_read_from_the_runs(registry):
    design = tiny(registry)
    first, second = design.tuning_cells("ntp")
    pretend(first.recipe(registry), 0.75)
    assert read_tuning([first, second], "test.mrr") == Tuning({first.point: [0.75], second.point: [None]}, False)
    write_json(second.failure, {"error": "x"})
    assert read_tuning([first, second], "test.mrr").best == first.point


def test_a_metric_that_no_run_has_is_named(registry):
    design = tiny(registry, STUDY.replace("metric: test.mrr", "metric: test.mr"))
    for cell in design.tuning_cells("ntp"):
        pretend(cell.recipe(registry))
    with pytest.raises(JepaError, match=r"no run of the arm 'ntp' has a figure for 'test\.mr'; did you mean 'mrr'"):
        design.tuning("ntp")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("test.mrr", None),
        ("test.jepa_loss", None),
        ("test.mrx", "there is no figure for 'test.mrx'; did you mean 'mrr'?"),
        ("test.recall", "there is no figure for 'test.recall'; there is mrr, hits@1, jepa_loss"),
        ("tst.mrr", "no evaluation set is called 'tst'; did you mean 'test'?"),
        ("dev.mrr", "no evaluation set is called 'dev'; there is test, train"),
        ("test.layers", "there is no figure for 'test.layers'; there is mrr, hits@1, jepa_loss"),
    ],
)
def test_a_metric_that_a_run_does_not_have(metric, words):
    figures = {"test": {"mrr": 0.5, "hits@1": 1, "jepa_loss": None, "layers": {}}, "train": {}}
    assert unknown_metrics([metric], figures) == ([] if words is None else [words])


def test_what_is_no_finite_number_is_no_figure():
    metrics = {"test": {"hits@1": 0.5, "concept.x": 2, "none": None, "nan": float("nan")}}
    names = ("hits@1", "concept.x", "none", "nan", "gone")
    assert [metric_value(metrics, f"test.{name}") for name in names] == [0.5, 2.0, None, None, None]
    assert metric_value(metrics, "train.mrr") is None
