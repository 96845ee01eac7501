"""Curves as data: what a chart shows, before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

#: The least span of an axis, as a share of the largest value.
SHORTEST = 0.2


@dataclass(frozen=True)
class Series:
    """One figure over the steps; what was not finite is NaN."""

    steps: tuple[float, ...]
    values: tuple[float, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)

    def then(self, step: float, value: float | None) -> Series:
        """Appends a point, where there is one and its step is new."""
        if value is None or step in self.steps:
            return self
        return Series((*self.steps, step), (*self.values, value))


@dataclass(frozen=True)
class Line:
    """A line of a chart. label: the quantity, where the chart has several; colour, dash: numbers of each, from 0."""

    run: str
    label: str
    series: Series
    colour: int
    dash: int = 0


@dataclass(frozen=True)
class Chart:
    """scale: of the vertical axis; ``auto`` is logarithmic where values differ by more than thirtyfold, else it begins
    at zero unless all values are far from it. An axis is never so short that rounding looks like a drift."""

    title: str
    lines: tuple[Line, ...]
    scale: Literal["auto", "linear", "from zero", "share", "cosine"] = "auto"
    across: str = "step"

    @property
    def logarithmic(self) -> bool:
        values = [v for line in self.lines for v in line.series.values if math.isfinite(v)]
        return self.scale == "auto" and bool(values) and min(values) > 0 and max(values) > 30 * min(values)

    @property
    def limits(self) -> tuple[float, float] | None:
        """Lower and upper end of the vertical axis; None where it is logarithmic, or nothing is finite."""
        if self.scale in ("share", "cosine"):
            return (-0.03, 1.03) if self.scale == "share" else (-1.05, 1.05)
        values = [v for line in self.lines for v in line.series.values if math.isfinite(v)]
        if self.logarithmic or not values:
            return None
        low, high = min(values), max(values)
        if low >= 0 and (self.scale == "from zero" or low < high / 2):
            return 0.0, 1.05 * high or 1.0
        room = max(0.05 * (high - low), SHORTEST * max(abs(low), abs(high)) - (high - low), 1e-9) / 2
        return low - room, high + room

    @property
    def alt(self) -> str:
        """Describes the picture in words."""
        of = (f"{' '.join(filter(None, (line.run, line.label)))}: {_course(line.series)}" for line in self.lines)
        return f"{self.title} over {self.across}s. {'; '.join(of)}"


def _course(series: Series) -> str:
    first, last = (f"{value:.4g}" for value in (series.values[0], series.values[-1]))
    return f"from {first} to {last}" if len(series.steps) > 1 else last
