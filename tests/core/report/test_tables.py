"""The tables, row by row."""

from __future__ import annotations

import re

import pytest

from jepa_core.folder.run_folder import RunFolder
from jepa_core.registry import Registry
from jepa_core.report import sections, tables
from jepa_core.report.log import Log
from jepa_core.report.record import Record
from tests.core.report.folders import LOG, METRICS


def run(name: str, k: int = 1, log=LOG, metrics=METRICS, data="a", **made_with) -> Record:
    recipe = {
        "data": {"name": data},
        "objective": {"k": k},
        "evaluation": {"splits": ["train"]},
        "training": {"max_steps": 4000},
    }
    noted = {"versions": {"torch": "2.13"}, "plugins": {"jepa-core": "0.1", "far": "2"}, "git_revision": None}
    return Record(RunFolder(name), name, recipe, "", noted | made_with, Log(log), metrics)


def test_overview():
    late = [{"step": 1500, "seconds": 3725.0, "tokens_per_second": 12345.6}]
    assert tables.overview([run("a"), run("b", log=late, metrics=None)]) == [
        ["description", "–", "–"],
        ["state", "finished", "unfinished, at step 1,500 of 4,000"],
        ["steps", "4", "1,500"],
        ["training time", "5 s", "1 h 2 min"],
        ["tokens per second", "200", "12,346"],
    ]
    assert tables.overview([run("c", log=[])])[-1] == ["tokens per second", "–"]


def test_samples_per_second_come_before_tokens():
    """A second view costs tokens, and no samples."""
    log = [{"step": 1, "seconds": 1, "samples_per_second": 20.0, "tokens_per_second": 260.0}]
    assert tables.overview([run("a", log=log), run("b")])[-2:] == [
        ["samples per second", "20", "–"],
        ["tokens per second", "260", "200"],
    ]


def test_versions_of_packages_and_plugins():
    other = {"versions": {"torch": "2.12", "jepa-core": "0.1"}, "plugins": {"jepa-core": "0.1"}, "git_revision": "abc"}
    assert tables.versions([run("a"), run("b", **other)]) == [
        ["torch", "2.13", "2.12"],
        ["jepa-core", "0.1", "0.1"],
        ["far", "2", "–"],
        ["git revision", "–", "abc"],
    ]


def test_what_differs():
    assert tables.differences([run("a")]) == []
    assert tables.differences([run("a"), run("b", k=2), run("c")]) == [["objective.k", "1", "2", "1"]]
    assert tables.difference_line([run("a"), run("b", k=2)]) == "The recipes differ in objective.k."
    assert tables.difference_line([run("a"), run("b")]) == "The recipes do not differ."
    many = [run("a"), run("b")]
    many[1].recipe["objective"] = dict.fromkeys("uvwxyz", 1)
    assert tables.difference_line(many) == "The recipes differ in 7 keys."
    assert "<details><summary>The recipes differ in 8 keys.</summary>" in sections.differences(
        [*many, run("c", data="other")]
    )


def test_figures_of_other_data_are_not_to_be_compared():
    assert tables.data_line([run("a"), run("b", k=2)]) == ""
    assert tables.data_line([run("a"), run("b", data="other")]).startswith("The recipes differ in their data, so")


def test_a_set_is_explained_where_it_is_what_is_said():
    """Two tasks do not mean the same set by ``test``."""
    same = [run(name, captions={"test": "held out"}) for name in "ab"]
    assert '<th scope="col">test: held out</th>' in sections.final_metrics(same)
    other = sections.final_metrics([same[0], run("b", captions={}), run("c", captions={"test": "new lines"})])
    assert '<th scope="col">test</th>' in other
    assert "<p>test of a: held out · test of c: new lines</p>" in other


def test_final_metrics_of_one_run_are_by_split():
    layered = {"train": {"mrr": 0.5, "layers": {"0": {"mrr": 0.1}}}, "test": {"mrr": None, "num_samples": 1200}}
    layered["test"]["non_finite"] = {"figures": ["mrr"]}
    for records in ([run("a", metrics=layered)], [run("b", metrics=None), run("a", metrics=layered)]):
        columns, rows = tables.final(records)
        assert columns == ["metric", "train", "test"]
        assert rows == [["mrr", "0.5000", "–"], ["num_samples", "–", "1,200"]]


def test_final_metrics_of_several_are_side_by_side():
    one, other = {"train": {"mrr": 0.5}, "test": {"mrr": 0.1}}, {"train": {"mrr": 0.25, "hits@1": 0.75}}
    columns, rows = tables.final([run("a", metrics=one), run("c", metrics=None), run("b", metrics=other)])
    assert columns == ["split and metric", "a", "b"]
    assert rows == [["train mrr", "0.5000", "0.2500"], ["train hits@1", "–", "0.7500"], ["test mrr", "0.1000", "–"]]


def test_no_run_is_finished():
    assert tables.final([run("a", metrics=None)])[1] == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (3600, "1 h 0 min"), (12059, "3 h 20 min")],
)
def test_durations(seconds, words):
    assert tables.duration(seconds) == words


def test_single_cases_are_no_figures_and_have_a_table_of_their_own():
    case = {"kind": "right", "prompt": "a", "expected": "b", "text": "b", "stopped": True, "why": ""}
    record = run("a", metrics={"test": {"mrr": 0.5, "generated_content": 1.0, "generated_examples": [case]}})
    assert [row[0] for row in tables.final([record])[1]] == ["mrr", "generated_content"]
    [(columns, rows)] = tables.examples(record, Registry.discover())
    assert dict(zip(columns, rows[0], strict=True))["answer is"] == "right"
    assert list(tables.examples(run("b"), Registry.discover())) == []
    assert list(tables.examples(run("c", metrics=None), Registry.discover())) == []
    assert ">right</td>" in sections.examples([record], Registry.discover())
    assert sections.examples([run("b")], Registry.discover()) == ""


def test_a_long_table_stands_in_pieces_beside_each_other():
    names = [one + other for one in "abcde" for other in "uvwxyz"]
    shown = sections.final_metrics([run("a", metrics={"test": dict.fromkeys(names, 0.5)})])
    assert shown.count("<table") == 3
    assert re.findall(r'<th scope="row">(.*?)</th>', shown) == names
    assert sections.final_metrics([run("a", metrics={"test": dict.fromkeys(names[:14], 0.5)})]).count("<table") == 1
    assert sections.final_metrics([run("a", metrics={"test": dict.fromkeys(names[:15], 0.5)})]).count("<table") == 2


def test_of_two_runs_each_set_has_a_table_with_the_difference():
    one = {"train": {"mrr": 0.5, "num_samples": 3}, "test": {"mrr": 0.1, "loss": None, "examples": [1]}}
    other = {"train": {"mrr": 0.25, "num_samples": 5}, "test": {"mrr": 0.3, "loss": 1.0}}
    records = [run("a", metrics=one), run("b", metrics=other)]
    assert list(tables.by_split(records)) == [
        ("train", ["a", "b", "difference"], [["mrr", "0.5000", "0.2500", "-0.2500"], ["num_samples", "3", "5", "+2"]]),
        ("test", ["a", "b", "difference"], [["mrr", "0.1000", "0.3000", "+0.2000"], ["loss", "–", "1.0000", "–"]]),
    ]
    long = [run(name, metrics={"test": {f"x{n}": 0.5 for n in range(1, 9)}}) for name in "ab"]
    ((_, _, rows),) = tables.by_split(long)
    assert rows[2:] == [["x3", "0.5000", "0.5000", "0"], ["x4 … x8", "…", "…", "…"]]
    small = [
        run(name, metrics={"test": {"loss": loss}}) for name, loss in (("a", 0.00106), ("b", 0.00103), ("c", 2e-5))
    ]
    assert [next(tables.by_split(two))[2] for two in (small[:2], small[1:])] == [
        [["loss", "0.0011", "0.0010", "-3.0e-05"]],
        [["loss", "0.0010", "2.0e-05", "-0.0010"]],
    ]
    three = list(tables.by_split([*records, run("c", metrics=one)]))
    assert three[0][1] == ["a", "b", "c"]
    assert three[0][2][0] == ["mrr", "0.5000", "0.2500", "0.5000"]
