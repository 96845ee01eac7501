"""Output on the terminal: tables, and the results of a run."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from jepa_core.display.terminal import console, figure, print_table, say
from jepa_core.evaluation.finite import NON_FINITE
from jepa_core.registry.described import described
from jepa_core.registry.options import option_schema
from jepa_core.report.further import Further, Metrics, further_tables

if TYPE_CHECKING:
    from jepa_core.launch.run import Result
    from jepa_core.registry import Component, Registry

#: The columns of a component's options.
OPTIONS = ("option", "type", "default", "what it is")
#: How many figures that differ by a number at their end are shown, and how many examples of a kind.
NUMBERED, EXAMPLES = 3, 2
#: The figures of layers that are shown.
BY_LAYER = ("ntp_loss", "mrr", "joint_accuracy")
STATES = {
    "trained": "trained",
    "resumed": "resumed and finished",
    "finished": "was finished before; nothing was run (--overwrite starts it anew)",
}


def metrics_table(metrics: Metrics, further: Sequence[Further] = ()) -> Table:
    """A row a metric, a column a set; leaves out figures of layers, and of `further` evaluations, which have tables."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("metric")
    for split in metrics:
        table.add_column(split, justify="right")
    names = dict.fromkeys(name for values in metrics.values() for name in values if name not in ("layers", NON_FINITE))
    prefixes = tuple(each.prefix for each in further)
    for name, last in fold_numbered(name for name in names if not name.startswith(prefixes)):
        shown = ("…" if last else figure(values.get(name)) for values in metrics.values())
        table.add_row(f"{name} … {last}" if last else name, *shown)
    return table


def fold_numbered(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs each name with an empty string, but folds numbered ones (``mrr_token1`` on) beyond `NUMBERED` into one pair
    of the first and the last; ``metrics.json`` has them all.

    >>> fold_numbered(["x1", "x2", "x3", "x4", "x5", "y"])
    [('x1', ''), ('x2', ''), ('x3', ''), ('x4', 'x5'), ('y', '')]
    """
    shown: list[tuple[str, str]] = []
    for stem, group in groupby(names, key=lambda name: name.rstrip("0123456789")):
        alike = list(group)
        if len(alike) <= NUMBERED + 1 or "@" in stem:
            shown += [(name, "") for name in alike]
        else:
            shown += [*((name, "") for name in alike[:NUMBERED]), (alike[NUMBERED], alike[-1])]
    return shown


def show_metrics(metrics: Metrics, registry: Registry, captions: Mapping[str, str], layers: bool = False) -> None:
    """Prints the tables of a run's figures, and the captions of its sets. layers: those of layers too."""
    out, further = console(), further_tables(registry)
    out.print(metrics_table(metrics, further))
    for each in further:
        if (found := each.table(metrics)) is not None:
            title, *columns = found[0]
            table = Table(box=box.SIMPLE, pad_edge=False)
            table.add_column(title)
            for column in columns:
                table.add_column(column, justify="right")
            for row in found[1]:
                table.add_row(*row)
            out.print(table)
        if (cases := each.examples(metrics, EXAMPLES)) is not None:
            print_table(*cases)
    for name, rows in by_layer(metrics).items() if layers else ():
        print_table((f"{name} by layer", *metrics), rows)
    if words := caption(metrics, captions):
        out.print(words)


def by_layer(metrics: Metrics) -> dict[str, list[list[str]]]:
    """Metric -> a row a layer, with the figure of each set; empty unless layers were measured."""
    layers = {split: of["layers"] for split, of in metrics.items() if of.get("layers")}
    numbers = dict.fromkeys(number for of in layers.values() for number in of)
    found: dict[str, list[list[str]]] = {}
    for name in BY_LAYER:
        if any(name in figures for of in layers.values() for figures in of.values()):
            columns = [layers.get(split, {}) for split in metrics]
            found[name] = [[number, *(figure(of.get(number, {}).get(name)) for of in columns)] for number in numbers]
    return found


def caption(names: Iterable[str], captions: Mapping[str, str]) -> str:
    """Explains the sets of these names, as far as the dataset does."""
    return " · ".join(f"{name}: {captions[name]}" for name in names if name in captions)


def show_result(result: Result, registry: Registry) -> None:
    say(f"{result.output_dir}: {STATES[result.state]}")
    show_metrics(result.metrics, registry, result.captions)


def show_component(component: Component) -> None:
    """Prints description, origin and options of a component."""
    out = console()
    say(f"{component.name}: {component.kind} from {component.plugin.name} {component.version}")
    paragraphs, rows = options_of(component)
    for paragraph in paragraphs:
        out.print(paragraph if paragraph.startswith(">>>") else unmarked(paragraph))
    if rows:
        print_table(OPTIONS, [(*row[:3], unmarked(row[3])) for row in rows])


def options_of(component: Component) -> tuple[list[str], list[tuple[str, str, str, str]]]:
    """The paragraphs of a component's docstring, and for each option name, type, default and what is said of it."""
    schema = option_schema(component.factory)
    options = schema["properties"]
    paragraphs, notes = described(inspect.getdoc(component.factory) or "", options)
    rows = [(name, _type(of), _default(name, of, schema), notes.get(name, "")) for name, of in options.items()]
    return paragraphs, rows


def unmarked(text: str) -> str:
    """Strips a docstring of Sphinx's marks.

    >>> unmarked("``one`` or :class:`~package.Two`, as :func:`three` says")
    'one or Two, as three says'
    """
    text = re.sub(r":[\w:]+:`~[\w.]*?(\w+)`", r"\1", text)
    return re.sub(r":[\w:]+:`([^`]+)`", r"\1", text).replace("``", "").replace("`", "")


def _type(schema: dict[str, Any]) -> str:
    """A JSON Schema's type in a word or two."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    return str(schema.get("type", "any"))


def _default(name: str, option: dict[str, Any], schema: dict[str, Any]) -> str:
    return "required" if name in schema["required"] else json.dumps(option.get("default"))
