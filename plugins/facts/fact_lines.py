"""Samples as text: JSON Lines of ``{"head": …, "relation": …, "tail": …}``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core import DataError, did_you_mean, raise_all
from jepa_plugins.facts.json_file import parse_json, read_text, show

_FIELDS = ("head", "relation", "tail")


@dataclass(frozen=True)
class FactLine:
    """One fact; line: where in the file, from 1. Runs of white space in a name count as one blank."""

    head: str
    relation: str
    tail: str
    line: int


def read_fact_lines(path: Path, relations: Collection[str], relations_file: str) -> list[FactLine]:
    """The facts of a file; empty lines are skipped.

    relations: the names allowed, from `relations_file`. Raises DataError naming line and field for anything
    that is no such fact, and for a file without facts.
    """
    facts, problems = [], []
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if text.strip():
            try:
                fact = _parse(text, f"{path}: line {number}", number)
                _refuse_unknown(fact, path, relations, relations_file)
            except DataError as error:
                problems.append(str(error))
            else:
                facts.append(fact)
    raise_all(problems, len(facts) + len(problems), "lines")
    if not facts:
        raise DataError(f"{path}: expected at least one fact")
    return facts


def _refuse_unknown(fact: FactLine, path: Path, relations: Collection[str], relations_file: str) -> None:
    if fact.relation not in relations:
        raise DataError(
            f"{path}: line {fact.line}: relation: expected a relation of {relations_file}, not "
            f"{show(fact.relation)}{did_you_mean(fact.relation, relations)}"
        )


def _parse(text: str, where: str, number: int) -> FactLine:
    item: Any = parse_json(text, where)
    if not isinstance(item, dict):
        raise DataError(f"{where}: expected an object with head, relation and tail, not {show(item)}")
    for field in _FIELDS:
        if not isinstance(item.get(field), str) or not item[field].strip():
            found = f"not {show(item[field])}" if field in item else f"it is missing{did_you_mean(field, item)}"
            raise DataError(f"{where}: {field}: expected text, {found}")
    head, relation, tail = (" ".join(item[field].split()) for field in _FIELDS)
    return FactLine(head, relation, tail, number)
