"""Figures of made-up runs, by hand: six steps, an evaluation every two of them, rising evenly."""

from __future__ import annotations

import json

import pytest

from jepa_core.folder.files import write_json
from jepa_core.study.results import StudyResult, read_results
from tests.core.study.specimen import ABLATION, STUDY, pretend, tiny

FLOPS = {"ntp": 100, "jepa": 250}


@pytest.fixture
def result(registry) -> StudyResult:
    """ntp ends at .3 and .6 and costs 600, jepa at .6 and .9 and costs 1,500."""
    design = tiny(registry)
    for cell, mrr in zip(design.tuning_cells("ntp"), (0.5, 0.25), strict=True):
        pretend(cell.recipe(registry), mrr)
    for name, finals in (("ntp", (0.3, 0.6)), ("jepa", (0.6, 0.9))):
        cells = [cell for cell in design.known_cells(name) if cell.stage == "report"]
        for cell, mrr in zip(cells, finals, strict=True):
            pretend(cell.recipe(registry), mrr)
    return read_results(design, FLOPS)


def test_a_run_is_read_from_its_folder(result):
    first = result.arms[1].cells[0]
    assert (first.state, first.steps, first.seconds) == ("finished", 6, 3.0)
    assert [first.at("test.mrr", steps) for steps in (1, 2, 5, 6)] == [
        None,
        pytest.approx(0.2),
        pytest.approx(0.4),
        0.6,
    ]
    assert first.at("test.joint_accuracy", 5) is None, "only measured at the end"
    assert first.at("test.joint_accuracy") == 0.5
    assert first.at("test.gone") is None


def test_the_budget_is_that_of_the_cheapest_arm(result):
    ntp, jepa = result.arms
    assert (result.steps, result.flops) == (6, 600)
    assert result.limits(ntp) == {"end": float("inf"), "steps": 6, "flops": 6}
    assert result.limits(jepa)["flops"] == 2, "600 / 250, whole steps"
    assert jepa.summary("test.mrr").mean == pytest.approx(0.75)
    assert jepa.summary("test.mrr", 2).mean == pytest.approx(0.25)
    assert ntp.summary("test.mrr", 6).mean == pytest.approx(0.45)


def test_an_ablation_has_no_say_in_the_budget(registry):
    design = tiny(registry, STUDY + ABLATION.replace("without: ntp", "without: jepa"))
    for name in ("jepa", "lame"):
        for cell in design.known_cells(name):
            pretend(cell.recipe(registry))
    result = read_results(design, {"jepa": 250, "lame": 10})
    assert (result.steps, result.flops) == (6, 1500)
    assert result.limits(result.arms[2])["flops"] == 150


def test_what_is_not_finished_or_failed_has_no_figures(registry):
    design = tiny(registry)
    result = read_results(design, {})
    assert (result.steps, result.flops) == (None, None)
    assert result.arms[0].point is None
    first, second = design.known_cells("jepa")
    pretend(first.recipe(registry))
    first.folder.metrics.unlink()
    write_json(second.failure, {"error": "no room"})
    result = read_results(design, {})
    assert [(cell.state, cell.steps, cell.at("test.mrr")) for cell in result.arms[1].cells] == [
        ("not finished", 6, None),
        ("failed", 0, None),
    ]
    assert [(cell.cell.name, cell.error) for cell in result.failures()] == [(second.name, "no room")]
    assert result.arms[1].summary("test.mrr") is None


def test_everything_is_in_the_json(result):
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["matched"] == {"steps": 6, "flops": 600}
    ntp = data["arms"]["ntp"]
    assert ntp["point"] == {"training.learning_rate": 0.001}
    assert [point["mean"] for point in ntp["tuning"]["points"]] == [0.5, 0.25]
    assert [cell["values"]["end"]["test.mrr"] for cell in ntp["tuning_cells"]] == [0.5, 0.25]
    jepa = data["arms"]["jepa"]
    assert jepa["tuning"] is None
    assert jepa["summary"]["flops"]["test.mrr"] == {
        "mean": pytest.approx(0.25),
        "half_width": pytest.approx(12.706 * 0.05, rel=1e-3),
        "n": 2,
    }
    assert jepa["cells"][1] == {
        "cell": "report/jepa/base/seed-2",
        "seed": 2,
        "state": "finished",
        "steps": 6,
        "flops": 1500,
        "seconds": 3.0,
        "values": {
            "end": {"test.mrr": 0.9, "test.joint_accuracy": 0.5},
            "steps": {"test.mrr": 0.9, "test.joint_accuracy": 0.5},
            "flops": {"test.mrr": pytest.approx(0.3), "test.joint_accuracy": None},
        },
    }


class TestDamage:
    """A cell whose files can't be read is told, and the others' figures stand."""

    def damaged(self, registry, name: str, text: str) -> StudyResult:
        design = tiny(registry)
        cells = design.report_cells("jepa", ())
        for cell in cells:
            pretend(cell.recipe(registry), 0.5)
        (cells[0].folder.path / name).write_text(text)
        return read_results(design, FLOPS)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("metrics.json", '"x"'),
            ("metrics.json", "{"),
            ("metrics.json", '{"test": {"mrr": "x"}}'),
            ("metrics.jsonl", '{"step": "x"}\n{"step": 1}\n'),
        ],
    )
    def test_of_a_finished_run(self, registry, name, text):
        result = self.damaged(registry, name, text)
        first, second = result.arms[1].cells
        assert (first.state, second.state) == ("damaged", "finished")
        assert first.at("test.mrr") is None
        assert result.arms[1].summary("test.mrr").n == 1
        (failure,) = result.failures()
        assert name in failure.error
        assert failure.error.endswith("the run is done again when its folder is removed")

    def test_of_a_tuning_run(self, registry):
        design = tiny(registry)
        cells = design.tuning_cells("ntp")
        for cell in cells:
            pretend(cell.recipe(registry))
        assert design.tuning("ntp").best == (("training.learning_rate", "0.01"),)
        cells[1].folder.metrics.write_text("[]")
        assert design.tuning("ntp").best == (("training.learning_rate", "0.001"),), "as one that failed"

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"error": 3}'])
    def test_of_what_a_failure_noted(self, registry, text):
        design = tiny(registry)
        cell, _ = design.report_cells("jepa", ())
        cell.failure.parent.mkdir(parents=True)
        cell.failure.write_text(text)
        (failure,) = read_results(design, FLOPS).failures()
        assert failure.error
        assert failure.state in ("failed", "damaged")

    def test_of_a_recipe(self, registry):
        """The study goes on; the run itself says what is wrong with it."""
        design = tiny(registry)
        cell, _ = design.report_cells("jepa", ())
        pretend(cell.recipe(registry))
        cell.folder.recipe.write_text("]")
        assert design.note_other_runs(registry) == []
