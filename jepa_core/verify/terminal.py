"""A verification on the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from jepa_core.display.terminal import console, say
from jepa_core.samples.spelling import key_to_marks
from jepa_core.verify.grid import LEGEND, grids
from jepa_core.verify.mask_picture import MaskPicture
from jepa_core.verify.row import Row, Verdict
from jepa_core.verify.samples import COLUMNS, SampleTable
from jepa_core.verify.verify import Verification, summary

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold white on red", Verdict.WARN: "bold yellow", Verdict.NA: "dim"}


def show_verification(found: Verification, in_full: bool = False) -> None:
    """Prints a line for each check that holds, and each failure or warning with its figure, bound, evidence and source;
    then a summary. in_full: prints every line."""
    for number, name in enumerate(found.checks, start=1):
        rows = [row for row in found.rows if row.check == name]
        if rows:
            console().print(Text(f"{number} {name}", style="bold"))
            console().print(_table(rows) if in_full else _folded(rows, found.holds(name)))
    say(summary(found))


def show_mask(picture: MaskPicture) -> None:
    for grid in grids(picture):
        console().print(grid)
    say("   ".join(filter(None, (LEGEND, key_to_marks(picture.names)))))


def show_samples(samples: list[SampleTable]) -> None:
    for sample in samples:
        console().print(Text(sample.title, style="bold"))
        table = Table(*COLUMNS, box=box.SIMPLE, pad_edge=False)
        for row in sample.rows:
            table.add_row(*map(Text, row))
        console().print(table)
    if words := key_to_marks(row[COLUMNS.index("token")] for sample in samples for row in sample.rows):
        say(words)


def _folded(rows: list[Row], holds: str) -> Table:
    told = [row for row in rows if row.verdict in (Verdict.FAIL, Verdict.WARN)]
    table = _table(told)
    if holds:
        table.add_row(Text("pass", style=STYLES[Verdict.PASS]), "", Text(holds))
    for row in rows:
        if row.verdict is Verdict.NA:
            told_why = f"{row.name}: {row.evidence.splitlines()[0] if row.evidence else ''}"
            table.add_row(Text("n/a", style=STYLES[Verdict.NA]), "", Text(told_why, style="dim"))
    table.columns[1].width = 18 if told else 0
    return table


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(width=4)
    table.add_column(width=18, overflow="fold")
    table.add_column(overflow="fold")
    for row in rows:
        what = Text(row.name)
        for line in (*row.evidence.splitlines(), row.source):
            what.append(f"\n{line}", style="dim")
        table.add_row(Text(str(row.verdict), style=STYLES[row.verdict]), Text(row.told), what)
    return table
