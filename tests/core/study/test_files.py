"""A study's files belong to the runs that are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.study import files
from tests.core.study.specimen import STUDY, pretend, tiny


def test_flops_are_counted_once_for_each_run_and_go_with_it(registry, monkeypatch):
    """A run that is deleted and made anew, perhaps of another recipe, is counted anew."""
    design, counted = tiny(registry), []

    def step_flops(recipe, registry):
        counted.append(recipe.seed)
        return 100 * len(counted)

    monkeypatch.setattr(files, "step_flops", step_flops)
    (cell, _) = design.report_cells("jepa", design.tuning("jepa").best)
    pretend(cell.recipe(registry))

    def told() -> int:
        files.write_results(design, registry)
        return json.loads(Path("out/study.json").read_text())["arms"]["jepa"]["flops_per_step"]

    assert (told(), told()) == (100, 100)
    cell.folder.clear()
    assert [path.name for path in cell.folder.path.iterdir()] == ["recipe.resolved.yaml"]
    pretend(cell.recipe(registry))
    assert told() == 200


@pytest.mark.parametrize("name", ["study.html", "study.json", "table.md", "curves.png", "curves.svg"])
def test_a_file_of_the_user_is_not_written_over(registry, name):
    """Nor is any other then; what the study wrote itself is."""
    design = tiny(registry)
    files.write_results(design, registry)
    files.write_results(design, registry)
    Path("out", name).write_text("my own")
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    for act in (files.refuse_foreign_results, lambda design: files.write_results(design, registry)):
        with pytest.raises(JepaError, match=rf"out/{name}: exists and is none that jepa-run wrote; move it away"):
            act(design)
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


def test_a_metric_that_no_run_has_is_told(registry):
    """Nobody knows before, as an arm may evaluate whatever its data have."""
    design = tiny(registry, STUDY.replace("[test.joint_accuracy]", "[test.mrx, tst.mrr, test.joint_accuracy]"))
    assert files.write_results(design, registry)[1][0].startswith("out: ")
    pretend(design.report_cells("jepa", ())[0].recipe(registry))
    told = [line for line in files.write_results(design, registry)[1] if line.startswith("warning")]
    assert told == [
        "warning: no evaluation set is called 'tst'; did you mean 'test'?",
        "warning: there is no figure for 'test.mrx'; did you mean 'mrr'?",
    ]


def test_flops_that_can_not_be_counted_leave_the_figures(registry, monkeypatch):
    def step_flops(recipe, registry):
        raise JepaError("its data is gone")

    design = tiny(registry)
    (cell, _) = design.report_cells("jepa", design.tuning("jepa").best)
    pretend(cell.recipe(registry))
    monkeypatch.setattr(files, "step_flops", step_flops)
    result, (missing, written) = files.write_results(design, registry)
    assert missing == "no FLOPs of jepa: its data is gone"
    assert written.startswith("out: study.html")
    assert result.arms[1].summary("test.mrr") is not None


@pytest.mark.parametrize("noted", ['{"step": "x"}', "[", "[]", '{"step": -1}'])
def test_flops_that_nobody_can_read_are_counted_again(registry, monkeypatch, noted):
    design = tiny(registry)
    monkeypatch.setattr(files, "step_flops", lambda recipe, registry: 7)
    (cell, _) = design.report_cells("jepa", design.tuning("jepa").best)
    pretend(cell.recipe(registry))
    cell.folder.flops.write_text(noted)
    files.write_results(design, registry)
    assert json.loads(cell.folder.flops.read_text()) == {"step": 7}
