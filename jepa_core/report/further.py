"""Tables of further evaluations, by attributes of their factories.

prefix: the beginning of its figures' names, which keeps them out of the common table; table: takes all metrics, returns
columns and rows of its own table, as text, or None where there is nothing to show; examples (optional): takes all
metrics and the most cases of a kind, returns columns and rows of single cases, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jepa_core.errors import brief

if TYPE_CHECKING:
    from jepa_core.registry import Registry

Metrics = Mapping[str, Mapping[str, Any]]
#: Columns and rows.
Shown = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Further:
    prefix: str
    table: Callable[[Metrics], Shown | None]
    examples: Callable[[Metrics, int], Shown | None]


def further_tables(registry: Registry) -> list[Further]:
    """Finds the installed evaluations that have a table of their own."""
    found = [(c.name, _manner_of(c.factory)) for c in registry.describe() if c.kind == "evaluation"]
    return [
        Further(of["prefix"], _shown(name, of["table"]), _shown(name, of.get("examples", _none)))
        for name, of in found
        if isinstance(of.get("prefix"), str) and of["prefix"] and "table" in of
    ]


def _manner_of(factory: object) -> dict[str, Any]:
    """The attributes by which a factory says how its figures are shown."""
    return {name: getattr(factory, name) for name in ("prefix", "table", "examples") if hasattr(factory, name)}


def _shown(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    """Shows what is wrong with a table instead of it: figures that were measured are not lost for it."""

    def shown(*args: Any) -> Shown | None:
        try:
            found = make(*args)
        except (Exception, SystemExit) as error:  # a third party's
            return [f"figures of '{name}'"], [[f"their table fails: {brief(error)}"]]
        if found is None or _is_table(found):
            return found
        return [f"figures of '{name}'"], [["their table is none: expected columns and rows, as text"]]

    return shown


def _is_table(found: Any) -> bool:
    if not (isinstance(found, tuple | list) and len(found) == 2 and isinstance(found[1], tuple | list)):
        return False
    lines = [found[0], *found[1]]
    fits = all(isinstance(line, tuple | list) and all(isinstance(cell, str) for cell in line) for line in lines)
    return fits and bool(found[0]) and all(len(line) == len(found[0]) for line in lines)


def _none(metrics: Metrics, each: int) -> None:
    """The `examples` of an evaluation without any."""
