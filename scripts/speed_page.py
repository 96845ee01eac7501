"""Puts the committed results of benchmarks into docs/SPEED.md: ``python scripts/speed_page.py``.

Between ``<!-- FILE -->`` and ``<!-- end -->`` stands the text of that file, without its first heading; after
``<!-- FILE: VIEW -->`` a shorter table that is made of the file's, by the function of that name in VIEWS.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "SPEED.md"
PART = re.compile(r"<!-- (benchmarks/results/[\w./-]+)(?:: (\w+))? -->\n.*?<!-- end -->", re.S)
NAIVE, PUBLIC, OURS = "naive: two passes", "public layout: one padded call", "+ last MLP where it is read: ours"
Row = dict[str, str]
Table = list[Row]


def filled(text: str) -> str:
    return PART.sub(_filled, text)


def _filled(match: re.Match[str]) -> str:
    file, view = match.groups()
    body = drawn(VIEWS[view](*tables_of(ROOT / file))) if view else _body(ROOT / file)
    return f"<!-- {file}{f': {view}' if view else ''} -->\n\n{body}\n\n<!-- end -->"


def _body(path: Path) -> str:
    return re.sub(r"\A# .*\n", "", path.read_text(encoding="utf-8")).strip()


def tables_of(path: Path) -> Iterator[Table]:
    """The tables of a file, .csv or Markdown."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        yield list(csv.DictReader(text.splitlines()))
        return
    for found in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
        head, _, *rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in found.splitlines()]
        yield [dict(zip(head, row, strict=True)) for row in rows]


def drawn(rows: Table) -> str:
    lines = [[*rows[0]], ["---"] * len(rows[0]), *([*row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by(key: str, rows: Iterable[Row]) -> dict[str, Table]:
    """The rows by what they have at `key`, in their order."""
    found: dict[str, Table] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def cases(steps: Table) -> Table:
    """Ours against naive and the public layout, a line a case."""
    return [
        {
            "step": case,
            "naive, ms": arms[NAIVE]["ms"],
            "ours, ms": arms[OURS]["ms"],
            "times as fast": arms[OURS]["times as fast"],
            "times fewer operations": arms[OURS]["times fewer"],
            "of the floor": arms[OURS]["of the floor"],
            "public layout, ms": arms[PUBLIC]["ms"],
        }
        for case, rows in by("case", steps).items()
        for arms in [{row[""]: row for row in rows}]
    ]


def savings(steps: Table) -> Table:
    """Times as fast as naive, and in brackets times fewer operations: an arm a line, a case a column."""
    return [
        {"": arm} | {row["case"]: f"{row['times as fast']} ({row['times fewer']})".strip() for row in rows}
        for arm, rows in by("", steps).items()
    ]


def layouts(measured: Table) -> Table:
    """Times over those of packed, and what planning takes."""
    return [
        {"case": case, "packed, ms": rows[0]["ms"]}
        | {row["layout"]: row["over packed"] for row in rows[1:]}
        | {"planning, ms": rows[-1]["planning ms"]}
        for case, rows in by("case", measured).items()
    ]


def ways(counted: Table, timed: Table) -> Table:
    """Times of ours, counted and timed: a way a line, lengths in columns."""
    found: dict[str, Row] = {}
    for title, key, rows in (("operations", "layout", counted), ("time", "way", timed)):
        for row in rows:
            column = f"{row['lengths like']}, {title}"
            found.setdefault(row[key], {})[column] = row["times"]
    columns = dict.fromkeys(column for row in found.values() for column in row)
    return [{"way": way} | {column: row.get(column, "") for column in columns} for way, row in found.items()]


def first(table: Table, *others: Table) -> Table:
    """The file's first table."""
    return table


def exponents(table: Table, *others: Table) -> Table:
    """A line for each thing that grows."""
    return [
        {key: rows[0][key] for key in ("grows", "from", "to")}
        | {"exponents": "; ".join(f"{row['exponent']} {row['what']}" for row in rows)}
        for rows in by("grows", table).values()
    ]


def machine(projected: Table, *others: Table) -> Table:
    """Picks the rows of a machine's eight GPUs."""
    kept = ("model", "way", "TFLOP a pair", "GB a GPU", "s a step", "hours", "dollars")
    return [{key: row[key] for key in kept} for row in projected if row["GPUs"] == "8"]


VIEWS: dict[str, Callable[..., Table]] = {
    view.__name__: view for view in (cases, savings, layouts, ways, first, exponents, machine)
}

if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
