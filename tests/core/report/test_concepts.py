"""The table of concept evaluation."""

from io import StringIO

from rich.console import Console

from jepa_core.report.concepts import concept_table
from jepa_core.report.console import metrics_table

FIGURES = {
    "concept_candidates": 1200,
    "concept_mrr": 0.94,
    "concept_hits@1": 0.891,
    "concept_blind_mrr": 0.75,
    "concept_blind_hits@1": 0.5,
    "concept_chance_mrr": 0.0064,
    "concept_chance_hits@1": 0.0008,
    "concept_error_other_relation": 0.0,
    "concept_error_other_partner": 0.06,
    "concept_error_unrelated": 0.049,
}


def lines(table) -> list[list[str]]:
    out = Console(width=100, record=True, file=StringIO())
    out.print(table)
    return [line.split() for line in out.export_text().splitlines() if line.strip()]


def test_the_model_stands_beside_both_lines():
    found = lines(concept_table({"train": {"mrr": 1.0}, "test": FIGURES}))
    assert found[0] == ["right", "entity", "among", "1,200,", "mrr", "/", "hits@1", "test"]
    assert found[2:] == [
        ["this", "model", "0.940", "/", "0.891"],
        ["relation-blind", "guess", "0.750", "/", "0.500"],
        ["chance", "0.006", "/", "0.001"],
        ["answers", "right", "for", "another", "relation", "0.0%"],
        ["answers", "linked", "the", "other", "way", "round", "6.0%"],
        ["answers", "unrelated", "4.9%"],
    ]


def test_no_figures_no_table():
    assert concept_table({"test": {"mrr": 0.5}}) is None


def test_the_other_table_leaves_them_out():
    text = " ".join(word for line in lines(metrics_table({"test": {"mrr": 0.5} | FIGURES})) for word in line)
    assert "mrr" in text
    assert "concept" not in text
