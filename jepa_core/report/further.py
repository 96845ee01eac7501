"""How the figures of further evaluations are shown: each says so itself, by attributes of its factory.

prefix: its figures begin with it, and stay out of the common table; table: from all metrics to the columns and rows of
its own, as text, or None where there is nothing to show; examples, which it need not have: from all metrics, and how
many of each kind at most, to columns and rows of single cases, or None.
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
    """Those of all installed evaluations that have a table of their own."""
    factories = [component.factory for component in registry.describe() if component.kind == "evaluation"]
    return [
        Further(f.prefix, f.table, getattr(f, "examples", _none))
        for f in factories
        if hasattr(f, "prefix") and hasattr(f, "table")
    ]


def _none(metrics: Metrics, each: int) -> None:
    """Examples of an evaluation that has none."""
