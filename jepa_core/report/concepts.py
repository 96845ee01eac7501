"""Concept evaluation as people read it: the model beside the two lines that need none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

PREFIX = "concept_"
LINES = {"concept": "this model", "concept_blind": "relation-blind guess", "concept_chance": "chance"}
ERRORS = {
    "concept_error_other_relation": "right for another relation",
    "concept_error_other_partner": "linked the other way round",
    "concept_error_unrelated": "unrelated",
}


def concept_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """For each split the model and the reference lines, ``mrr / hits@1`` each, then what was answered instead;
    None where a run has no such figures."""
    measured = {split: of for split, of in metrics.items() if "concept_mrr" in of}
    if not measured:
        return None
    candidates = max(of["concept_candidates"] for of in measured.values())
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(f"right entity among {candidates:,}, mrr / hits@1")
    for split in measured:
        table.add_column(split, justify="right")
    for name, words in LINES.items():
        table.add_row(words, *(f"{of[f'{name}_mrr']:.3f} / {of[f'{name}_hits@1']:.3f}" for of in measured.values()))
    for name, words in ERRORS.items():
        table.add_row(f"answers {words}", *(f"{of[name]:.1%}" for of in measured.values()))
    return table
