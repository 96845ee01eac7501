"""Comparing the results of queries in an SQLite database. Runs in a process with limits."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jepa_plugins.text.scoring.judgement import Judgement, judgement, unjudged

#: The actions allowed to a query: reading. It may not write, attach a file, or change a setting.
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
#: Strings, quoted names and comments, whose contents are no SQL.
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
Row = tuple[Any, ...]


def compare_queries(database: str, query: str, expected: str) -> Judgement:
    """Compares the rows of two queries, and their order where `expected` orders them.

    Names of columns don't count, their order does. A failing query is wrong. Where the expected one finds no rows,
    as many wrong queries would, only the expected query itself is right, up to spacing and case.
    """
    try:
        wanted = rows(database, expected)
    except (sqlite3.Error, sqlite3.Warning) as error:
        return unjudged(str(error))
    try:
        found = rows(database, query)
    except (sqlite3.Error, sqlite3.Warning) as error:
        return Judgement(False, str(error))
    if not wanted and not found:
        return judgement(_bare(query) == _bare(expected), "both find nothing, which says nothing")
    if Counter(found) != Counter(wanted):
        return Judgement(False, f"other rows: {len(found)}, expected {len(wanted)}")
    return judgement(not orders(expected) or found == wanted, "another order")


def rows(database: str, query: str) -> list[Row]:
    """Runs a query; returns its rows. Raises sqlite3.Error, also for text that is no query or does more than read."""
    cursor = _copy(database).execute(query)
    if cursor.description is None:
        raise sqlite3.ProgrammingError("not a query")
    return [tuple(map(_comparable, row)) for row in cursor.fetchall()]


@cache
def _copy(database: str) -> sqlite3.Connection:
    """Copies the database into memory, where only reading is allowed."""
    original = sqlite3.connect(f"{Path(database).absolute().as_uri()}?mode=ro", uri=True)
    copy = sqlite3.connect(":memory:")
    with original:
        original.backup(copy)
    original.close()
    copy.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    copy.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY)
    return copy


def _comparable(value: object) -> object:
    """Rounds floats to nine digits, as their sums depend on the order."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def orders(query: str) -> bool:
    """Tells whether the outermost query orders its rows, by an ORDER BY outside of all brackets."""
    depth, outside = 0, []
    for char in QUOTED.sub(" ", query):
        depth += (char == "(") - (char == ")")
        outside.append(char if depth == 0 else " ")
    return re.search(r"\border\s+by\b", "".join(outside), re.IGNORECASE) is not None


def _bare(query: str) -> Sequence[str]:
    """Lists the words and marks of a query, in lower case outside of quotes."""
    parts = re.split(f"({QUOTED.pattern})", query.strip().rstrip(";"), flags=re.DOTALL)
    return [
        word
        for place, part in enumerate(parts)
        for word in ([part] if place % 2 else re.findall(r"\w+|[^\w\s]", part.lower()))
    ]
