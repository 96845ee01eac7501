"""The report of one run, or of several against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jepa_core.display.colours import SERIES
from jepa_core.display.html import page, write_page
from jepa_core.errors import JepaError
from jepa_core.registry import Registry
from jepa_core.report import sections
from jepa_core.report.record import Record


def write_report(records: Sequence[Record], out: Path | None, registry: Registry) -> Path:
    """Writes the report of these runs; returns its path.

    out: None for ``report.html``, in the run's folder, or here for several runs. Raises JepaError for more
    runs than there are colours, and where matplotlib is not installed or `out` is another file.
    """
    if out is None:
        out = records[0].folder.report if len(records) == 1 else Path("report.html")
    write_page(out, report(records, registry))
    return out


def report(records: Sequence[Record], registry: Registry) -> str:
    """Makes the whole page. Raises JepaError for more runs than there are colours."""
    if len(records) > len(SERIES):
        raise JepaError(f"{len(records)} runs: more than {len(SERIES)} can't be told apart by colour")
    names = ", ".join(record.name for record in records)
    parts = [
        sections.overview(records),
        sections.differences(records),
        sections.measured(records),
        sections.final_metrics(records),
        sections.examples(records, registry),
        sections.curves(records),
        sections.models(records, registry),
        sections.recipes(records),
    ]
    return page(f"{'Runs' if len(records) > 1 else 'Run'} {names}", "\n".join(filter(None, parts)))
