"""The curves that there are, and what tells them apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from jepa_core.display.chart import Chart, Line
from jepa_core.folder.run_folder import RunFolder
from jepa_core.report import charts
from jepa_core.report.log import Log, Series
from jepa_core.report.record import Record
from tests.core.report.folders import LOG, METRICS

LAYERS = {"0": {"mrr": 0.1, "ntp_loss": 9.0}, "1": {"mrr": 0.3, "ntp_loss": 4.0}}


def run(name: str, log: Any = LOG, metrics: Any = METRICS) -> Record:
    recipe = {"evaluation": {"splits": ["train", "test"]}, "training": {"max_steps": 4}}
    return Record(RunFolder(Path(name)), name, recipe, "", {}, Log(log), metrics)


def by_title(found: list[Chart | None]) -> dict[str, Chart]:
    return {chart.title: chart for chart in found if chart}


def test_losses_of_one_run():
    found = by_title(charts.losses([run("a")]))
    assert list(found) == ["Total loss", "Next-token loss", "JEPA loss"]
    assert found["Total loss"].lines == (Line("a", "", Series((1, 2, 4), (6.0, 4.5, 3.5)), colour=0),)


def test_one_run_has_its_colour_and_a_dash_a_quantity():
    found = by_title(charts.gradients([run("a")]))
    lines = found["Gradient norm of each term"].lines
    assert [(line.label, line.colour, line.dash) for line in lines] == [("NTP", 0, 0), ("JEPA", 0, 1)]
    assert lines[1].series == Series((0, 2, 4), (1.0, 3.0, 5.0))


def test_several_have_a_colour_a_run_and_a_dash_a_quantity():
    """Run b has no JEPA loss; run c keeps its own colour all the same."""
    without = [{key: value for key, value in line.items() if "jepa" not in key} for line in LOG]
    records = [run("a"), run("b", without), run("c")]
    found = by_title(charts.gradients(records))
    lines = found["Gradient norm of each term"].lines
    assert [(line.run, line.label, line.colour, line.dash) for line in lines] == [
        ("a", "NTP", 0, 0),
        ("a", "JEPA", 0, 1),
        ("b", "NTP", 1, 0),
        ("c", "NTP", 2, 0),
        ("c", "JEPA", 2, 1),
    ]
    assert [line.run for line in by_title(charts.losses(records))["JEPA loss"].lines] == ["a", "c"]


def test_nothing_logged_no_chart():
    empty = run("a", [], None)
    kinds = (charts.losses, charts.metrics, charts.course, charts.gradients, charts.embeddings, charts.layers)
    assert [by_title(kind([empty])) for kind in kinds] == [{}] * 6


class TestMetrics:
    def test_over_time_with_the_final_one(self):
        """The log ends at step 4, which is when the final metrics were measured."""
        found = by_title(charts.metrics([run("a")]))
        assert list(found) == ["Mean reciprocal rank", "Next-token loss", "JEPA loss"]
        train, test = found["Mean reciprocal rank"].lines
        assert (train.label, train.series) == ("train", Series((2, 4), (0.2, 0.5)))
        assert (test.label, test.series) == ("test", Series((2, 4), (0.1, 0.125)))

    def test_the_last_evaluation_is_the_final_one(self):
        log = [{"step": 4, "eval_train_mrr": 0.4}]
        assert by_title(charts.metrics([run("a", log)]))["Mean reciprocal rank"].lines[0].series == Series((4,), (0.4,))

    def test_further_ranks_have_a_chart_of_their_own(self):
        """The first of those that an evaluation ranks by, whether or not the run is finished."""
        figures = {"concept_mrr": 0.4, "concept_hits@1": 0.3, "concept_blind_mrr": 0.75, "concept_blind_hits@1": 0.5}
        log = [{"step": 4, **{f"eval_test_{name}": value for name, value in figures.items()}}]
        ((title, chart),) = by_title(charts.metrics([run("a", log, None)])).items()
        assert title == "Concept mean reciprocal rank"
        assert [line.series for line in chart.lines] == [Series((4,), (0.4,))]

    def test_of_several_runs_a_chart_a_split(self):
        found = by_title(charts.metrics([run("a"), run("b", metrics=None)]))
        assert [line.series.steps for line in found["Mean reciprocal rank, test"].lines] == [(2, 4), (2,)]
        assert "Mean reciprocal rank" not in found

    def test_a_run_measured_only_at_the_end_keeps_its_colour_and_leaves_the_others_theirs(self):
        found = by_title(charts.metrics([run("a", LOG[:3]), run("b")]))
        lines = found["Mean reciprocal rank, test"].lines
        assert [(line.run, line.colour, line.series.steps) for line in lines] == [("a", 0, (2,)), ("b", 1, (2, 4))]

    def test_what_no_run_measured_on_the_way_has_no_chart(self):
        log = [{"step": 2, "eval_test_mrr": 0.1}, {"step": 4}]
        found = by_title(charts.metrics([run("a", log), run("b", [{"step": 4}])]))
        assert list(found) == ["Mean reciprocal rank, test"]

    def test_measured_only_at_the_end_is_no_curve(self):
        assert by_title(charts.metrics([run("a", LOG[:3])])) == {}


def test_layers_of_the_runs_that_have_them():
    layered = run("a", metrics={"train": {"mrr": 0.3, "layers": LAYERS}, "test": {"mrr": 0.1}})
    assert by_title(charts.layers([run("b")])) == {}
    found = by_title(charts.layers([layered]))
    assert found["Mean reciprocal rank"].lines[0].series == Series((0, 1), (0.1, 0.3))
    assert found["Next-token loss"].across == "layer"
    second = by_title(charts.layers([run("b"), layered]))["Mean reciprocal rank, train"].lines
    assert [(line.run, line.colour) for line in second] == [("a", 1)], "the page says which run has which colour"
    assert list(by_title(charts.layers([layered, run("b")]))) == [
        "Mean reciprocal rank, train",
        "Next-token loss, train",
    ]


@pytest.mark.parametrize(
    ("values", "scale", "logarithmic"),
    [
        ((1.0, 31.0), "auto", True),
        ((1.0, 29.0), "auto", False),
        ((0.0, 100.0), "auto", False),
        ((1.0, math.nan, 100.0), "auto", True),
        ((1.0, 100.0), "linear", False),
        ((math.nan,), "auto", False),
    ],
)
def test_logarithmic_where_values_differ_much(values, scale, logarithmic):
    line = Line("a", "", Series(tuple(range(len(values))), values), 0)
    assert Chart("Loss", (line,), scale=scale).logarithmic is logarithmic


def test_in_words():
    one, other = Line("a", "NTP", Series((1, 2), (6.0, 0.123456)), 0), Line("b", "", Series((1,), (2.0,)), 1)
    assert Chart("Loss", (one, other)).alt == "Loss over steps. a NTP: from 6 to 0.1235; b: 2"
