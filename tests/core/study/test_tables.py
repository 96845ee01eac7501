from __future__ import annotations

from jepa_core.folder.files import write_json
from jepa_core.study.results import read_results
from jepa_core.study.tables import markdown, notes, study_tables
from tests.core.study.specimen import ABLATION, STUDY, pretend, tiny


def test_the_tables_of_a_study(registry):
    design = tiny(registry, STUDY + ABLATION)
    for cell, mrr in zip(design.tuning_cells("ntp"), (0.25, 0.5), strict=True):
        pretend(cell.recipe(registry), mrr)
    for name, mrr in (("ntp", 0.5), ("jepa", 0.6), ("lame", 0.1)):
        for cell in [cell for cell in design.known_cells(name) if cell.stage == "report"]:
            pretend(cell.recipe(registry), mrr)
    end, steps, flops, ablation, cost = study_tables(read_results(design, {"ntp": 100, "jepa": 200, "lame": 100}))
    assert end.columns == ("arm", "seeds", "test.mrr", "test.joint_accuracy")
    assert end.rows == [
        ["ntp", "2", "0.5000 ± 0.0000", "0.5000 ± 0.0000"],
        ["with JEPA", "2", "0.6000 ± 0.0000", "0.5000 ± 0.0000"],
    ]
    assert (steps.title, steps.rows) == ("At the same steps, 6", end.rows)
    assert flops.title == "At the same FLOPs, 600"
    assert flops.rows[1] == ["with JEPA", "2", "0.2000 ± 0.0000", "–"]
    assert ablation.title == "ntp, one thing changed"
    assert [row[:3] for row in ablation.rows] == [["ntp", "2", "0.5000 ± 0.0000"], ["lame", "1", "0.1000"]]
    assert cost.rows[0] == ["ntp", "training.learning_rate=0.01", "6", "100", "600", "3 s"]
    assert cost.rows[1][1] == "–"


def test_what_is_missing_is_said(registry):
    design = tiny(registry)
    first, second = design.report_cells("jepa", ())
    end, cost = study_tables(read_results(design, {}))
    assert [row[:2] for row in end.rows] == [["ntp", "tuning"], ["with JEPA", "0 of 2"]]
    assert cost.rows[1] == ["with JEPA", "–", "–", "–", "–", "–"]
    pretend(first.recipe(registry))
    for cell in (second, *design.tuning_cells("ntp")):
        write_json(cell.failure, {"error": "no |\n  room"})
    result = read_results(design, {})
    end = next(study_tables(result))
    assert [row[:2] for row in end.rows] == [["ntp", "tuning failed"], ["with JEPA", "1 of 2, 1 failed"]]
    assert notes(result)[-1] == "failed: report/jepa/base/seed-2: no | room"


def test_markdown(registry):
    design = tiny(registry, STUDY.replace("label: with JEPA", "label: a|b"))
    for cell in design.known_cells("jepa"):
        pretend(cell.recipe(registry), 0.5)
    lines = markdown(read_results(design, {})).split("\n")
    assert lines[0] == "A tiny study."
    assert lines[2:5] == ["**At the end of training**", "", "| arm | seeds | test.mrr | test.joint_accuracy |"]
    assert lines[5] == "| --- | --- | --- | --- |"
    assert lines[7] == r"| a\|b | 2 | 0.5000 ± 0.0000 | 0.5000 ± 0.0000 |"
