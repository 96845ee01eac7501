"""Curves of a study: the metric over steps and over FLOPs, mean and band of every arm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
STEP, FLOP = "step", "FLOP"


@dataclass(frozen=True)
class Curve:
    """The steps, and at each of them the summary over the seeds evaluated there; least, greatest: figure of a seed."""

    steps: tuple[float, ...]
    summaries: tuple[Summary, ...]
    least: float
    greatest: float


#: Number, results and curve of an arm; the number decides its colour.
Drawn = tuple[int, ArmResult, Curve]


def curve(arm: ArmResult, metric: str) -> Curve:
    """The curve of an arm over every step at which a finished run of it was evaluated."""
    at: dict[float, list[float]] = {}
    for result in arm.finished:
        series = result.series[metric]
        for step, value in zip(series.steps, series.values, strict=True):
            if math.isfinite(value):
                at.setdefault(step, []).append(value)
    found = [(step, summary) for step in sorted(at) if (summary := summarise(at[step]))]
    values = [value for of in at.values() for value in of] or [math.nan]
    summaries = tuple(summary for _, summary in found)
    return Curve(tuple(step for step, _ in found), summaries, min(values), max(values))


def draw_curves(result: StudyResult) -> Figure:
    """Draws a panel over steps, and one over FLOPs where they are known; bands are 95 % intervals, ablations dashed.
    An arm evaluated only once has no curve; its figure stands in the table.

    Raises JepaError where no arm has one, and where matplotlib is not installed.
    """
    curves = _curves(result)
    return _panels(result.study.metric, curves, _across(curves))


def draw_each(result: StudyResult) -> Iterator[tuple[Figure, str]]:
    """Yields each panel as a picture, with a description in words. Raises JepaError as :func:`draw_curves`."""
    curves = _curves(result)
    for across in _across(curves):
        drawn = [(number, arm, found) for number, arm, found in curves if across == STEP or arm.flops]
        courses = (
            f"{arm.label}: from {found.summaries[0].mean:.4g} to {found.summaries[-1].mean:.4g}"
            for _, arm, found in drawn
        )
        words = f"{result.study.metric} over {across}s, mean of the seeds. {'; '.join(courses)}"
        yield _panels(result.study.metric, drawn, [across]), words


def _curves(result: StudyResult) -> list[Drawn]:
    curves = [(number, arm, curve(arm, result.study.metric)) for number, arm in enumerate(result.arms)]
    if found := [(number, arm, one) for number, arm, one in curves if len(one.steps) > 1]:
        return found
    raise JepaError(f"no run measured {result.study.metric} more than once; training.eval_steps makes it so")


def _across(curves: Sequence[Drawn]) -> list[str]:
    return [STEP, *([FLOP] if any(arm.flops for _, arm, _ in curves) else [])]


def _panels(title: str, curves: Sequence[Drawn], across: Sequence[str]) -> Figure:
    room = LETTERS * len(across) // 2
    columns = max(1, room // max(len(arm.label) + 9 for _, arm, _ in curves))
    legend = 0.12 + LEGEND * math.ceil(len(curves) / columns)
    figure, axes = panels(title, len(across), HEIGHT + legend, bottom=0.42 + legend)
    for one, words in zip(axes, across, strict=True):
        for number, arm, found in curves:
            if each := 1 if words == STEP else arm.flops:
                _draw(one, found, each, arm, number)
        one.set_xlabel("step" if words == STEP else "FLOPs of training")
        one.set_xlim(left=0)
        one.set_ylim(*_limits([found for _, _, found in curves]))
    figure.legend(handles=axes[0].lines, loc="lower left", ncols=columns, frameon=False, labelcolor=INK)
    return figure


def write_curves(result: StudyResult, folder: Path) -> list[Path]:
    """Writes ``curves.png`` and ``curves.svg``. Raises JepaError where they can't be drawn or written."""
    figure = draw_curves(result)
    paths = [folder / name for name in NAMES]
    for path in paths:
        write_picture(figure, path, SHARPNESS)
    return paths


def _limits(curves: Sequence[Curve]) -> tuple[float, float]:
    """The ends of the vertical axis: those of the seeds' figures, and half as much again. A band of few seeds may be
    many times as wide as all that was measured, and would leave the curves no room."""
    low, high = min(one.least for one in curves), max(one.greatest for one in curves)
    room = max((high - low) / 2, abs(high) / 20, 1e-9)
    return low - room, high + room


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
