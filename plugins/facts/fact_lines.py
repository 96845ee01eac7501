"""Facts as text: JSON Lines of ``{"head": …, "relation": …, "tail": …}``."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from jepa_core import DataError, did_you_mean, raise_all, show
from jepa_core.folder.lines import decoded, numbered_lines
from jepa_plugins.facts.json_file import without_collector

_FIELDS = ("head", "relation", "tail")
#: The most bytes of a line, and letters of a name; anything longer is no fact, and would only fill the memory.
LONGEST_LINE, LONGEST_NAME = 1 << 20, 1_000


@dataclass(frozen=True)
class FactLines:
    """The facts of a file as columns ``n``, which spares a million objects for a million facts.

    head, tail: numbers of `names`; relation: numbers of the allowed relations; line: in the file, from 1;
    names: the entities, in the order in which they first occur; runs of white space in a name count as one blank.
    """

    head: np.ndarray
    relation: np.ndarray
    tail: np.ndarray
    line: np.ndarray
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.line)

    def line_of(self, name: int) -> int:
        """The first line with an entity in it."""
        return int(self.line[np.argmax((self.head == name) | (self.tail == name))])


def read_fact_lines(path: Path, relations: Sequence[str], relations_file: str) -> FactLines:
    """Reads the facts of a file; skips empty lines.

    relations: the allowed names, from `relations_file`. Raises DataError naming line and field for anything
    but such a fact, and for a file without facts.
    """
    known = {name: number for number, name in enumerate(relations)}
    names: dict[str, int] = {}
    head, relation, tail, line = (array("q") for _ in range(4))
    problems = []
    hint = lru_cache(lambda name: did_you_mean(name, relations))  # a wrong column is wrong in every line
    with without_collector():
        for number, content in numbered_lines(path, LONGEST_LINE):
            try:
                fact = _parse(content, f"{path}: line {number}")
                if fact[1] not in known:
                    raise DataError(
                        f"{path}: line {number}: relation: expected a relation of {relations_file}, not "
                        f"{show(fact[1])}{hint(fact[1])}"
                    )
            except DataError as error:
                problems.append(str(error))
                continue
            head.append(names.setdefault(fact[0], len(names)))
            relation.append(known[fact[1]])
            tail.append(names.setdefault(fact[2], len(names)))
            line.append(number)
    raise_all(problems, len(line) + len(problems), "lines")
    if not line:
        raise DataError(f"{path}: expected at least one fact")
    return FactLines(np.asarray(head), np.asarray(relation), np.asarray(tail), np.asarray(line), list(names))


def _parse(content: bytes, where: str) -> tuple[str, str, str]:
    """Reads head, relation and tail out of a line."""
    item = _item(decoded(content, where), where)
    if not isinstance(item, dict):
        raise DataError(f"{where}: expected an object with head, relation and tail, not {show(item)}")
    for field in _FIELDS:
        if not isinstance(item.get(field), str) or not item[field].strip():
            found = f"not {show(item[field])}" if field in item else f"it is missing{did_you_mean(field, item)}"
            raise DataError(f"{where}: {field}: expected text, {found}")
        if len(item[field]) > LONGEST_NAME:
            raise DataError(
                f"{where}: {field}: expected at most {LONGEST_NAME:,} letters, there are {len(item[field]):,}"
            )
        if not item[field].isascii():
            _refuse_half_letters(item[field], f"{where}: {field}")
    head, relation, tail = (" ".join(item[field].split()) for field in _FIELDS)
    return head, relation, tail


def _item(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = "; is the file cut off?" if not text[error.pos :].strip() else ""
        raise DataError(f"{where}, column {error.colno}: expected JSON: {error.msg}{cut}") from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{where}: expected JSON: {error}") from error


def _refuse_half_letters(name: str, where: str) -> None:
    """Raises DataError for half a letter, ``\\ud83d``, which JSON can write and no tokenizer takes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: expected text, not the half of a letter, U+{ord(name[error.start]):04X}") from error
