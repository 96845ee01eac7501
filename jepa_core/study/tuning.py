"""Tuning: choosing the point of an arm's grid with the best figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from jepa_core.errors import JepaError, did_you_mean
from jepa_core.folder.files import finite_number
from jepa_core.study.cells import Cell, point_data
from jepa_core.study.schema import Point


@dataclass(frozen=True)
class Tuning:
    """figures: point -> the metric's value with each seed, None where the run failed or is not finished;
    complete: whether every run is finished or failed."""

    figures: dict[Point, list[float | None]]
    complete: bool

    @property
    def best(self) -> Point | None:
        """The point with the largest mean over the seeds, the first of equals; None before all are known.

        A point with a failed run is out. Where there is nothing to tune, it is the empty point.
        """
        if not self.figures:
            return ()
        means = {point: value for point, value in self.means.items() if value is not None}
        return max(means, key=lambda point: means[point]) if self.complete and means else None

    @property
    def means(self) -> dict[Point, float | None]:
        return {
            point: None if None in of else mean(v for v in of if v is not None) for point, of in self.figures.items()
        }

    def to_json(self) -> dict[str, Any]:
        best = self.best
        points = [{"point": point_data(p), "values": self.figures[p], "mean": value} for p, value in self.means.items()]
        return {"complete": self.complete, "best": None if best is None else point_data(best), "points": points}


def read_tuning(cells: Sequence[Cell], metric: str) -> Tuning:
    """Reads the results of an arm's tuning cells. Raises JepaError when all are finished and none has the metric."""
    figures: dict[Point, list[float | None]] = {}
    for cell in cells:
        figures.setdefault(cell.point, []).append(metric_value(cell.figures, metric))
    found = Tuning(figures, all(cell.settled for cell in cells))
    measured = [cell for cell in cells if cell.figures]
    if found.complete and measured and not any(value is not None for of in figures.values() for value in of):
        raise JepaError(_without(metric, measured[0]))
    return found


def metric_value(metrics: dict[str, dict[str, Any]], metric: str) -> float | None:
    """The value of ``SPLIT.NAME`` in the content of ``metrics.json``; None where it is missing or not finite."""
    split, _, name = metric.partition(".")
    value = metrics.get(split, {}).get(name)
    return finite_number(value)


def unknown_metrics(metrics: Iterable[str], figures: dict[str, dict[str, Any]]) -> list[str]:
    """A line for each metric missing in a finished run's `figures`, with a hint at what is there."""
    found = []
    for metric in metrics:
        split, _, name = metric.partition(".")
        if split not in figures:
            known: list[str] = [*figures]
            found.append(f"no evaluation set is called '{split}'{did_you_mean(split, known) or _instead(known)}")
        elif isinstance(figures[split].get(name, {}), dict | list):
            known = [key for key, value in figures[split].items() if value is None or isinstance(value, int | float)]
            found.append(f"there is no figure for '{metric}'{did_you_mean(name, known) or _instead(known)}")
    return found


def _instead(known: Sequence[str]) -> str:
    return f"; there is {', '.join(known)}" if known else ""


def _without(metric: str, cell: Cell) -> str:
    split, _, name = metric.partition(".")
    known = [key for key, value in cell.figures.get(split, {}).items() if isinstance(value, int | float)]
    hint = did_you_mean(name, known) or f"; it has {', '.join(known)}"
    return f"metric: no run of the arm '{cell.arm}' has a figure for '{metric}'{hint}"
