"""The tables of a report, as text: the page and the terminal show the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jepa_core.display.terminal import figure
from jepa_core.evaluation.finite import NON_FINITE
from jepa_core.registry import Registry
from jepa_core.report.console import fold_numbered
from jepa_core.report.further import further_tables
from jepa_core.report.record import Record, differing

Rows = list[list[str]]
#: Cases of a kind, at most.
EXAMPLES = 5
#: So many keys are named in a sentence.
NAMED = 6


def overview(records: Sequence[Record]) -> Rows:
    """A row a property, a column a run."""
    properties = {
        "description": lambda record: record.recipe.get("description") or "–",
        "state": lambda record: record.state,
        "steps": lambda record: f"{record.log.step:,}",
        "training time": lambda record: duration(record.log.seconds),
        "samples per second": lambda record: _rate(record.log.samples_per_second),
        "tokens per second": lambda record: _rate(record.log.tokens_per_second),
    }
    rows = [[name, *map(get, records)] for name, get in properties.items()]
    return [row for row in rows if row[0] != "samples per second" or {*row[1:]} != {"–"}]  # older logs have none


def versions(records: Sequence[Record]) -> Rows:
    """Packages, plugins and git revision, a column a run."""
    noted = [{**record.made_with["versions"], **record.made_with["plugins"]} for record in records]
    revisions = [record.made_with.get("git_revision") for record in records]
    names = dict.fromkeys(name for of in noted for name in of)
    rows = [[name, *(of.get(name, "–") for of in noted)] for name in names]
    return [*rows, ["git revision", *(revision or "–" for revision in revisions)]]


def differences(records: Sequence[Record]) -> Rows:
    """The keys in which the recipes differ, a column a run."""
    return [[key, *values] for key, values in differing(records).items()] if len(records) > 1 else []


def difference_line(records: Sequence[Record]) -> str:
    keys = [key for key, *_ in differences(records)]
    told = ", ".join(keys) if len(keys) <= NAMED else f"{len(keys)} keys"
    return f"The recipes differ in {told}." if keys else "The recipes do not differ."


def data_line(records: Sequence[Record]) -> str:
    """Warns of figures that are of different samples; empty where all recipes take the same data."""
    if not any(key.startswith("data.") for key, *_ in differences(records)):
        return ""
    return "The recipes differ in their data, so figures of sets of one name may be of different samples."


def final(records: Sequence[Record]) -> tuple[list[str], Rows]:
    """The metrics of finished runs: columns, and a row a metric, or a split and metric for several runs."""
    done = [record for record in records if record.metrics is not None]
    if len(done) == 1:
        splits = done[0].metrics or {}
        rows = [
            [f"{name} … {last}", *("…" for _ in splits)]
            if last
            else [name, *(figure(of.get(name)) for of in splits.values())]
            for name, last in fold_numbered(_names([splits]))
        ]
        return ["metric", *splits], rows
    return ["split and metric", *(record.name for record in done)], list(_by_split(done))


def examples(record: Record, registry: Registry) -> Iterator[tuple[list[str], Rows]]:
    """Yields columns and rows of single cases of a finished run, for each evaluation that shows some."""
    for each in further_tables(registry) if record.metrics else ():
        if (found := each.examples(record.metrics or {}, EXAMPLES)) is not None:
            yield found


def by_split(records: Sequence[Record]) -> Iterator[tuple[str, list[str], Rows]]:
    """Yields set, columns and rows, one a metric, for several finished runs; for two also the second less the first.
    Numbered metrics beyond a few are left out, as on the terminal."""
    done = [record for record in records if record.metrics is not None]
    metrics = [record.metrics or {} for record in done]
    names = [record.name for record in done]
    for split in dict.fromkeys(split for of in metrics for split in of):
        rows = []
        for name, last in fold_numbered(_names([{split: of[split]} for of in metrics if split in of])):
            values = [of.get(split, {}).get(name) for of in metrics]
            shown = [*map(figure, values), *([_difference(*values)] if len(done) == 2 else [])]
            rows.append([f"{name} … {last}", *("…" for _ in shown)] if last else [name, *shown])
        yield split, [*names, *(["difference"] if len(done) == 2 else [])], rows


def _difference(first: object, second: object) -> str:
    if not (isinstance(first, int | float) and isinstance(second, int | float)):
        return "–"
    change = second - first
    return f"{'+' if change > 0 else ''}{figure(change)}" if change else "0"


def _by_split(done: Sequence[Record]) -> Iterator[list[str]]:
    metrics = [record.metrics or {} for record in done]
    for split in dict.fromkeys(split for of in metrics for split in of):
        for name in _names([{split: of[split]} for of in metrics if split in of]):
            yield [f"{split} {name}", *(figure(of.get(split, {}).get(name)) for of in metrics)]


def _names(metrics: Sequence[dict[str, dict[str, Any]]]) -> list[str]:
    found = [pair for splits in metrics for values in splits.values() for pair in values.items()]
    lists = {name for name, value in found if isinstance(value, list | dict)}  # examples, and figures of layers
    return [name for name in dict(found) if name not in lists and name != NON_FINITE]


def duration(seconds: float) -> str:
    """A duration as ``8 s``, ``2 min 5 s`` or ``3 h 20 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
