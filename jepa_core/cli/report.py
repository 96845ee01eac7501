"""``jepa-run report``: one page on what runs did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.cli.options import PluginOption, make_registry

if TYPE_CHECKING:
    from jepa_core.report.record import Record


def report(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR", help="Folders of runs.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write; by default report.html, in the run's folder, or here for several runs.",
        ),
    ] = None,
    plugins: PluginOption = None,
) -> None:
    """Show what a run did, or compare several: curves, metrics, health, mask and embeddings.

    Writes one page that needs no network, and prints a summary. A run that is not finished is reported as
    far as it got.
    """
    from jepa_core.report.record import read_records

    records = read_records(run_dirs)  # before the plugins, whose import takes seconds
    from jepa_core.report.report import write_report

    path = write_report(records, out, make_registry(plugins))
    _summarise(records, path)


def _summarise(records: Sequence[Record], page: Path) -> None:
    """Prints an overview of the runs, their differences and final metrics, and the path of the page."""
    from jepa_core.display.terminal import print_table, say
    from jepa_core.report import tables

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
