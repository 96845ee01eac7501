"""``jepa-run report``: one page on what runs did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.options import PluginOption, make_registry


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
    from jepa_core.report.summary import show_summary

    records = read_records(run_dirs)  # before the plugins, whose import takes seconds
    from jepa_core.report.report import write_report

    path = write_report(records, out, make_registry(plugins))
    show_summary(records, path)
