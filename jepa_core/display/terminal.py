"""Printing to the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from jepa_core.progress import speaks
from jepa_core.streams import plain

#: Below it, four decimals would show something that is not zero as zero.
SMALLEST = 5e-5


def console() -> Console:
    """The console to print to; silent in all processes but the first.

    As wide as the terminal; for a file or a pipe, where lines are searched, wide enough for a line a row. Texts are of
    users and plugins, so brackets and colons in them are no markup, and nothing in them gives orders to the terminal.
    """
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    return _PlainConsole(highlight=False, markup=False, emoji=False, width=wide, quiet=not speaks())


class _PlainConsole(Console):
    """Lets only its own styles through, no control character of the texts that it prints."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)  # before anything is laid out

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)


def say(message: str) -> None:
    """Prints a message without breaking its lines, so that a path in it can be copied."""
    console().print(message, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def figure(value: object) -> str:
    """A metric as people read it; a dash for what is no figure and stands in ``metrics.json`` alone.

    >>> figure(2000), figure(0.25), figure(0.0), figure(3e-5)
    ('2,000', '0.2500', '0.0000', '3.0e-05')
    """
    if not isinstance(value, int | float):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1e}" if 0 < abs(value) < SMALLEST else f"{value:.4f}"
