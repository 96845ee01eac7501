"""The table of a concept evaluation: the model beside two reference lines that need none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jepa_core.folder.files import finite_number

LINES = {"concept": "this model", "concept_blind": "relation-blind guess", "concept_chance": "chance"}
ERRORS = {
    "concept_error_other_relation": "right for another relation",
    "concept_error_other_partner": "linked the other way round",
    "concept_error_unrelated": "unrelated",
}


def concept_table(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]] | None:
    """Columns and rows of the table: for each split the model and the reference lines, ``mrr / hits@1`` each, then the
    kinds of wrong answers; None where a run has no such figures."""
    needed = [f"{name}_{figure}" for name in LINES for figure in ("mrr", "hits@1")] + [*ERRORS, "concept_candidates"]
    measured = {
        split: of for split, of in metrics.items() if all(finite_number(of.get(name)) is not None for name in needed)
    }
    if not measured:
        return None
    candidates = max(figures["concept_candidates"] for figures in measured.values())
    columns = [f"right entity among {candidates:,}, mrr / hits@1", *measured]
    rows = [
        [words, *(f"{of[f'{name}_mrr']:.3f} / {of[f'{name}_hits@1']:.3f}" for of in measured.values())]
        for name, words in LINES.items()
    ]
    rows += [[f"answers {words}", *(f"{of[name]:.1%}" for of in measured.values())] for name, words in ERRORS.items()]
    return columns, rows
