"""The table of concept evaluation."""

from io import StringIO

import pytest
from rich.console import Console

from jepa_core.registry import Registry
from jepa_core.report.console import metrics_table, show_metrics
from jepa_core.report.further import further_tables
from jepa_plugins.facts.concept_table import concept_table

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


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def test_the_model_stands_beside_both_lines():
    columns, rows = concept_table({"train": {"mrr": 1.0}, "test": FIGURES})
    assert columns == ["right entity among 1,200, mrr / hits@1", "test"]
    assert rows == [
        ["this model", "0.940 / 0.891"],
        ["relation-blind guess", "0.750 / 0.500"],
        ["chance", "0.006 / 0.001"],
        ["answers right for another relation", "0.0%"],
        ["answers linked the other way round", "6.0%"],
        ["answers unrelated", "4.9%"],
    ]


def test_no_figures_no_table():
    assert concept_table({"test": {"mrr": 0.5}}) is None


def test_the_other_table_leaves_them_out(registry):
    out = Console(width=100, record=True, file=StringIO())
    out.print(metrics_table({"test": {"mrr": 0.5} | FIGURES}, further_tables(registry)))
    text = out.export_text()
    assert "mrr" in text
    assert "concept" not in text


def test_both_are_shown_one_after_the_other(registry, capsys):
    show_metrics({"test": {"mrr": 0.5} | FIGURES}, registry, {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["mrr", "0.5000"] in lines
    assert ["this", "model", "0.940", "/", "0.891"] in lines
