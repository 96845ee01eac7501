"""The results of a study: the figures of every cell, read from the runs' folders."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jepa_core.errors import JepaError
from jepa_core.folder.files import read_json
from jepa_core.report.log import Series, read_whole_log
from jepa_core.study.cells import Cell, point_data
from jepa_core.study.design import Design
from jepa_core.study.schema import Point, Study
from jepa_core.study.statistics import Summary, summarise
from jepa_core.study.tuning import Tuning, metric_value

State = Literal["finished", "failed", "damaged", "not finished"]


@dataclass(frozen=True)
class CellResult:
    """steps, seconds: of training; series: metric -> its values over the steps, the final one included;
    error: of a failed run, or of reading a damaged one."""

    cell: Cell
    state: State
    steps: int
    seconds: float
    series: Mapping[str, Series]
    error: str = ""

    def at(self, metric: str, steps: float = math.inf) -> float | None:
        """The last value within `steps` steps; None where there is none, or the run is not finished."""
        series = self.series.get(metric)
        if self.state != "finished" or series is None:
            return None
        found = [value for step, value in zip(series.steps, series.values, strict=True) if step <= steps]
        return found[-1] if found and math.isfinite(found[-1]) else None


@dataclass(frozen=True)
class ArmResult:
    """point: the arm's tuned one, None before that is known; flops: of a training step, None before one of
    its runs is finished; tuned: its tuning runs; cells: its reported runs."""

    name: str
    label: str
    without: str | None
    point: Point | None
    tuning: Tuning
    tuned: tuple[CellResult, ...]
    cells: tuple[CellResult, ...]
    flops: int | None

    @property
    def finished(self) -> list[CellResult]:
        return [result for result in self.cells if result.state == "finished"]

    @property
    def steps(self) -> int:
        return max((result.steps for result in self.finished), default=0)

    def summary(self, metric: str, steps: float = math.inf) -> Summary | None:
        """Summarises the seeds that have a value within `steps` steps."""
        values = [result.at(metric, steps) for result in self.finished]
        return summarise([value for value in values if value is not None])


@dataclass(frozen=True)
class StudyResult:
    study: Study
    arms: tuple[ArmResult, ...]

    @property
    def steps(self) -> int | None:
        """The fewest steps of training of an arm that is no ablation; None before one is finished."""
        return min((arm.steps for arm in self._measured()), default=None)

    @property
    def flops(self) -> int | None:
        """The smallest total of an arm that is no ablation; None before one is known."""
        return min((arm.flops * arm.steps for arm in self._measured() if arm.flops), default=None)

    def limits(self, arm: ArmResult) -> dict[str, float | None]:
        """Comparison -> the number of steps it allows `arm`; None where that is not known yet."""
        within = self.flops // arm.flops if self.flops and arm.flops else None
        return {"end": math.inf, "steps": self.steps, "flops": within}

    def failures(self) -> Iterator[CellResult]:
        for arm in self.arms:
            yield from (result for result in (*arm.tuned, *arm.cells) if result.error)

    def to_json(self) -> dict[str, Any]:
        """The content of ``study.json``."""
        matched = {"steps": self.steps, "flops": self.flops}
        return {
            "description": self.study.description,
            "metric": self.study.metric,
            "matched": matched,
            "arms": {arm.name: self._arm_json(arm) for arm in self.arms},
        }

    def _measured(self) -> list[ArmResult]:
        return [arm for arm in self.arms if arm.without is None and arm.finished]

    def _arm_json(self, arm: ArmResult) -> dict[str, Any]:
        columns, limits = self.study.columns, self.limits(arm)
        return {
            "label": arm.label,
            "without": arm.without,
            "point": None if arm.point is None else point_data(arm.point),
            "tuning": arm.tuning.to_json() if arm.tuned else None,
            "flops_per_step": arm.flops,
            "summary": {
                comparison: {column: _summary_json(arm.summary(column, steps)) for column in columns}
                for comparison, steps in limits.items()
                if steps is not None
            },
            "cells": [_cell_json(result, arm.flops, columns, limits) for result in arm.cells],
            "tuning_cells": [_cell_json(result, None, columns, {"end": math.inf}) for result in arm.tuned],
        }


def read_results(design: Design, flops: Mapping[str, int]) -> StudyResult:
    """Reads the results so far. flops: arm -> FLOPs of a training step, as far as known."""
    return StudyResult(design.study, tuple(_read_arm(design, name, flops.get(name)) for name in design.study.arms))


def _read_arm(design: Design, name: str, flops: int | None) -> ArmResult:
    study, tuning = design.study, design.tuning(name)
    tuned = tuple(read_cell(cell, study.columns) for cell in design.tuning_cells(name))
    cells = () if tuning.best is None else design.report_cells(name, tuning.best)
    reported = tuple(read_cell(cell, study.columns) for cell in cells)
    return ArmResult(name, study.label(name), study.arms[name].without, tuning.best, tuning, tuned, reported, flops)


def read_cell(cell: Cell, metrics: tuple[str, ...]) -> CellResult:
    """Reads the figures of a run, as far as it got; one with a file that can't be read has none."""
    if cell.taken:
        return CellResult(cell, "failed", 0, 0.0, {}, cell.taken)
    try:
        return _read_cell(cell, metrics)
    except JepaError as error:
        return CellResult(cell, "damaged", 0, 0.0, {}, f"{error}; the run is done again when its folder is removed")


def _read_cell(cell: Cell, metrics: tuple[str, ...]) -> CellResult:
    log, folder = read_whole_log(cell.folder), cell.folder
    final = folder.read_metrics() if folder.finished else {}
    series = {
        metric: log.series(f"eval_{metric.replace('.', '_', 1)}").then(log.step, metric_value(final, metric))
        for metric in metrics
    }
    if folder.finished:
        return CellResult(cell, "finished", log.step, log.seconds, series)
    if cell.failure.is_file():
        return CellResult(cell, "failed", log.step, log.seconds, series, _cause(read_json(cell.failure)))
    return CellResult(cell, "not finished", log.step, log.seconds, series)


def _cause(noted: object) -> str:
    return str(noted.get("error") if isinstance(noted, dict) else None) or "for a reason that was not noted"


def _cell_json(
    result: CellResult, flops: int | None, columns: tuple[str, ...], limits: Mapping[str, float | None]
) -> dict[str, Any]:
    return {
        "cell": result.cell.name,
        "seed": result.cell.seed,
        "state": result.state,
        **({"error": result.error} if result.error else {}),
        "steps": result.steps,
        "flops": None if flops is None else flops * result.steps,
        "seconds": round(result.seconds, 1),
        "values": {
            comparison: {column: result.at(column, steps) for column in columns}
            for comparison, steps in limits.items()
            if steps is not None
        },
    }


def _summary_json(summary: Summary | None) -> dict[str, Any] | None:
    return None if summary is None else {"mean": summary.mean, "half_width": summary.half, "n": summary.n}
