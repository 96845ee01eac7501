"""The report's summary on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jepa_core.display.terminal import print_table, say
from jepa_core.report import tables
from jepa_core.report.record import Record


def show_summary(records: Sequence[Record], page: Path) -> None:
    """Prints an overview of the runs, their differences and final metrics, and the path of the page."""
    names = [record.name for record in records]
    print_table(("", *names), tables.overview(records))
    if len(records) > 1:
        say(tables.difference_line(records))
        print_table(("key", *names), tables.differences(records))
    if sum(record.metrics is not None for record in records) > 1:
        if words := tables.data_line(records):
            say(words)
        for split, columns, rows in tables.by_split(records):
            print_table((split, *columns), rows)
    else:
        columns, rows = tables.final(records)
        if rows:
            print_table(columns, rows)
    say(f"{page}: curves, health, mask and embeddings")
