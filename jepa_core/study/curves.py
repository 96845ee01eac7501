"""Curves of a study: the metric over steps and over FLOPs, mean and band of every arm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.display.colours import INK, SERIES
from jepa_core.display.drawing import DASHES, HEIGHT, literal, panels, write_picture
from jepa_core.errors import JepaError
from jepa_core.study.results import ArmResult, StudyResult
from jepa_core.study.statistics import Summary, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("curves.png", "curves.svg")
#: Dots an inch.
SHARPNESS = 150
#: Letters that fit in a row of the legend below two panels, nine of which go to the dash before a label; and a row's
#: height in inches.
LETTERS, LEGEND = 116, 0.24


@dataclass(frozen=True)
class Curve:
    """The steps, and at each of them the summary over the seeds evaluated there."""

    steps: tuple[float, ...]
    summaries: tuple[Summary, ...]


def curve(arm: ArmResult, metric: str) -> Curve:
    """The curve of an arm over every step at which a finished run of it was evaluated."""
    at: dict[float, list[float]] = {}
    for result in arm.finished:
        series = result.series[metric]
        for step, value in zip(series.steps, series.values, strict=True):
            if math.isfinite(value):
                at.setdefault(step, []).append(value)
    found = [(step, summary) for step in sorted(at) if (summary := summarise(at[step]))]
    return Curve(tuple(step for step, _ in found), tuple(summary for _, summary in found))


def draw_curves(result: StudyResult) -> Figure:
    """Draws a panel over steps, and one over FLOPs where they are known; bands are 95 % intervals, ablations dashed.
    An arm evaluated only once has no curve; its figure stands in the table.

    Raises JepaError where no arm has one, and where matplotlib is not installed.
    """
    curves = [(number, arm, curve(arm, result.study.metric)) for number, arm in enumerate(result.arms)]
    curves = [(number, arm, found) for number, arm, found in curves if len(found.steps) > 1]
    if not curves:
        raise JepaError(f"no run measured {result.study.metric} more than once; training.eval_steps makes it so")
    across = ["step", *(["FLOPs of training"] if any(arm.flops for _, arm, _ in curves) else [])]
    room = LETTERS * len(across) // 2
    columns = max(1, room // max(len(arm.label) + 9 for _, arm, _ in curves))
    legend = 0.12 + LEGEND * math.ceil(len(curves) / columns)
    figure, axes = panels(result.study.metric, len(across), HEIGHT + legend, bottom=0.42 + legend)
    for number, arm, found in curves:
        for one, each in zip(axes, (1, arm.flops), strict=False):
            if each:
                _draw(one, found, each, arm, number)
    for one, words in zip(axes, across, strict=True):
        one.set_xlabel(words)
        one.set_xlim(left=0)
    figure.legend(handles=axes[0].lines, loc="lower left", ncols=columns, frameon=False, labelcolor=INK)
    return figure


def write_curves(result: StudyResult, folder: Path) -> list[Path]:
    """Writes ``curves.png`` and ``curves.svg``. Raises JepaError where they can't be drawn or written."""
    figure = draw_curves(result)
    paths = [folder / name for name in NAMES]
    for path in paths:
        write_picture(figure, path, SHARPNESS)
    return paths


def _draw(axes: Axes, found: Curve, each: int, arm: ArmResult, number: int) -> None:
    """Draws an arm's mean and band. each: the length of a step on this axis."""
    across = [step * each for step in found.steps]
    means = [summary.mean for summary in found.summaries]
    colour, dash = SERIES[number % len(SERIES)], DASHES[arm.without is not None]
    marker = "o" if len(across) < 12 else None
    axes.plot(across, means, color=colour, linestyle=dash, linewidth=1.5, marker=marker, markersize=3.5)
    axes.lines[-1].set_label(literal(arm.label))
    halves = [summary.half or 0.0 for summary in found.summaries]
    low, high = ([mean + sign * half for mean, half in zip(means, halves, strict=True)] for sign in (-1, 1))
    axes.fill_between(across, low, high, color=colour, alpha=0.15, linewidth=0)
