"""What the terminal shows: tables, and what a run came to."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from jepa_core.progress import speaks
from jepa_core.registry.options import option_schema
from jepa_core.report.concepts import PREFIX, concept_table

if TYPE_CHECKING:
    from jepa_core.launch.run import Result
    from jepa_core.registry import Component

SPLITS = {
    "train": "facts trained in both directions",
    "atomic": "facts trained in one direction",
    "test": "those, asked in the direction never trained (the reversal)",
}
STATES = {
    "trained": "trained",
    "resumed": "resumed and finished",
    "finished": "was finished before; nothing was run (--overwrite starts it anew)",
}


def console() -> Console:
    """Where to print; silent in all processes but the first.

    As wide as the terminal; for a file or a pipe, where lines are searched, wide enough for a line a row.

    What is shown is text of users and plugins, so brackets and colons in it are no markup.
    """
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    return Console(highlight=False, markup=False, emoji=False, width=wide, quiet=not speaks())


def say(message: str) -> None:
    """A message whose lines stay whole, so that a path in it can be copied."""
    console().print(message, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row a metric, a column a split; figures of layers stay in ``metrics.json``, those of concepts have a table
    of their own."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("metric")
    for split in metrics:
        table.add_column(split, justify="right")
    names = dict.fromkeys(name for values in metrics.values() for name in values if name != "layers")
    for name in (name for name in names if not name.startswith(PREFIX)):
        table.add_row(name, *(figure(values.get(name)) for values in metrics.values()))
    return table


def show_result(result: Result) -> None:
    out = console()
    say(f"{result.output_dir}: {STATES[result.state]}")
    out.print(metrics_table(result.metrics))
    if (concepts := concept_table(result.metrics)) is not None:
        out.print(concepts)
    out.print(" · ".join(f"{name}: {SPLITS[name]}" for name in result.metrics if name in SPLITS))


def show_component(component: Component) -> None:
    """Description, origin and options of a component."""
    out = console()
    say(f"{component.name}: {component.kind} from {component.plugin.name} {component.version}")
    for paragraph in (inspect.getdoc(component.factory) or "").split("\n\n"):
        out.print(" ".join(paragraph.split()))
    schema = option_schema(component.factory)
    if schema["properties"]:
        rows = [(name, _type(of), _default(name, of, schema)) for name, of in schema["properties"].items()]
        print_table(("option", "type", "default"), rows)


def _type(schema: dict[str, Any]) -> str:
    """A JSON Schema's type in a word or two."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    return str(schema.get("type", "any"))


def _default(name: str, option: dict[str, Any], schema: dict[str, Any]) -> str:
    return "required" if name in schema["required"] else json.dumps(option.get("default"))


def figure(value: Any) -> str:
    """A metric as people read it."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
