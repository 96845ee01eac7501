"""Tables of further evaluations, by attributes of their factories.

prefix: the beginning of its figures' names, which keeps them out of the common table; table: takes all metrics, returns
columns and rows of its own table, as text, or None where there is nothing to show; examples (optional): takes all
metrics and the most cases of a kind, returns columns and rows of single cases, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    factories = [component.factory for component in registry.describe() if component.kind == "evaluation"]
    return [
        Further(f.prefix, f.table, getattr(f, "examples", _none))
        for f in factories
        if hasattr(f, "prefix") and hasattr(f, "table")
    ]


def _none(metrics: Metrics, each: int) -> None:
    """The `examples` of an evaluation without any."""
