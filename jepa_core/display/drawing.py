"""Charts and grids drawn with matplotlib, in colours that a page can exchange.

matplotlib comes with the extra ``plots`` and takes a while to import, hence on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.display.chart import Chart, Line
from jepa_core.display.colours import INK, LINE, MUTED, PAPER, SERIES
from jepa_core.display.projection import Projection
from jepa_core.errors import JepaError
from jepa_core.folder.ours import PICTURES, write_own
from jepa_core.streams import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.6, 2.9
DASHES = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5))]
MARKERS = ["o", "^", "s", "D"]
#: With more tokens than this, names would be too small to read.
NAMED_TOKENS = 60
#: The height of letters that can be read, and the width of a cell that can be told from its neighbours, in CSS pixels.
READABLE, CELL = 9, 8
#: The width of a page.
PAGE = 1200


def draw_chart(chart: Chart) -> Figure:
    figure, axes = blank(chart.title)
    for number, line in enumerate(chart.lines):
        axes.plot(
            line.series.steps,
            line.series.values,
            color=SERIES[line.colour],
            linestyle=_dash(line) if len(line.series.steps) > 2 else "none",  # two points make no curve
            linewidth=1.5 + 1.5 * (1 - (number + 1) / len(chart.lines)),  # so that a line under another shows
            marker=MARKERS[line.dash % len(MARKERS)] if len(line.series.steps) < 12 else None,
            markersize=3.5,
        )
    if chart.logarithmic:
        axes.set_yscale("log")
    if chart.limits is not None:
        axes.set_ylim(*chart.limits)
    axes.set_xlabel(chart.across)
    axes.locator_params(axis="x", integer=True)
    if chart.across == "step":  # every chart of a page begins where training did
        last = max(max(line.series.steps) for line in chart.lines) or 1
        axes.set_xlim(-0.02 * last, 1.02 * last)
    _legend(axes, chart.lines)
    return figure


def draw_mask(title: str, allowed: Tensor, names: Sequence[str], block: Tensor, room: int = 0) -> Figure:
    """Draws which tokens see which.

    allowed: ``t t`` bool, rows see columns; names: ``t``; block: ``t``, each token's block number; room: tokens to
    leave room for at least, so that masks side by side have one scale. What a token sees in its own block is grey, in
    another block the colour of text: colours are runs.
    """
    count = len(names)
    size = _letters(max(count, room))
    labels = [literal(name if len(name) <= 16 else f"{name[:15]}…") for name in names]
    margin = 0.1 + max(map(len, labels)) * size * 0.65 / 72 if count <= NAMED_TOKENS else 0.1
    figure, axes = blank(title, WIDTH + 0.3, left=margin, top=0.3 + margin, bottom=0.08)
    same = block[:, None] == block[None, :]
    for row in range(count):
        for colour, cells in ((MUTED, allowed[row] & same[row]), (INK, allowed[row] & ~same[row])):
            spans = [(start - 0.46, length - 0.08) for start, length in _spans(cells)]
            axes.broken_barh(spans, (row - 0.46, 0.92), facecolor=colour, edgecolor="none")
    for cell in range(1, count):
        axes.axvline(cell - 0.5, color=PAPER, linewidth=0.8)
    whole = [-0.5, count - 0.5]
    for edge in (block[1:] != block[:-1]).nonzero().flatten().tolist():
        axes.plot(whole, [edge + 0.5] * 2, [edge + 0.5] * 2, whole, color=MUTED, linewidth=0.8)
    end = max(count, room) - 0.5
    axes.set(xlim=(-0.5, end), ylim=(end, -0.5), aspect="equal")
    axes.grid(visible=False)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    shown = range(count if count <= NAMED_TOKENS else 0)
    axes.set_xticks(shown, labels[: len(shown)], rotation=90, fontsize=size)
    axes.set_yticks(shown, labels[: len(shown)], fontsize=size)
    return figure


def mask_width(count: int) -> float:
    """The width on a page, in CSS pixels, at which the names of `count` tokens can be read; beyond `NAMED_TOKENS` there
    are none, and cells need less."""
    return (WIDTH + 0.3) * 72 * READABLE / _letters(count) if count <= NAMED_TOKENS else min(CELL * count, PAGE)


def _letters(count: int) -> float:
    """The size of the names of so many tokens, in points."""
    return min(9.0, 170 / count)


def draw_projection(title: str, projection: Projection, colour: int = 0) -> Figure:
    """Draws predictions in the run's `colour`, targets in that of text, and a line between the two of a pair.

    The axes span at least a quarter of the embeddings' length on either side, so that a single point looks like one."""
    figure, axes = blank(title, WIDTH * 0.85, left=0.75)
    predicted, target = projection.predicted, projection.target
    for ends in torch.stack([predicted, target], dim=1).tolist():
        axes.plot(*zip(*ends, strict=True), color=MUTED, linewidth=0.5, alpha=0.6, zorder=1)
    for side, points, marker, of in (("predicted", predicted, "o", SERIES[colour]), ("target", target, "^", INK)):
        x, y = points.T.tolist()
        axes.scatter(x, y, s=15, color=of, marker=marker, linewidths=0, alpha=0.8, label=side)
    if projection.length:
        half = max(projection.length / 4, 1.1 * float(torch.cat([predicted, target]).abs().max()))
        axes.set(xlim=(-half, half), ylim=(-half, half))
    axes.set_aspect("equal", adjustable="box" if projection.length else "datalim")
    first, second = (f"{share:.0%}" for share in projection.shares)
    axes.set(xlabel=f"first component ({first} of the variance)", ylabel=f"second ({second})")
    axes.legend(frameon=False, labelcolor=INK, handletextpad=0.2)
    return figure


def blank(
    title: str, height: float = HEIGHT, left: float = 0.6, top: float = 0.3, bottom: float = 0.42
) -> tuple[Figure, Axes]:
    """An empty figure in the style of the page; left, top, bottom: margins in inches.

    matplotlib would find margins by itself, in three times the time. Raises JepaError where it is not installed.
    """
    figure, (axes,) = panels(title, 1, height, left, top, bottom)
    return figure, axes


def panels(
    title: str, count: int, height: float = HEIGHT, left: float = 0.6, top: float = 0.3, bottom: float = 0.42
) -> tuple[Figure, list[Axes]]:
    """Like :func:`blank`, with `count` axes side by side, each as wide as one figure."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise JepaError(
            f"pictures need matplotlib ({error}): install the extra, pip install 'jepa-core[plots]'"
        ) from error
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH * count, height))
        size = (WIDTH - left - 0.08) / (WIDTH * count), 1 - (top + bottom) / height
        found = [figure.add_axes(((i + left / WIDTH) / count, bottom / height, *size)) for i in range(count)]
        figure.suptitle(literal(title), x=0.01 / count, y=0.99, ha="left", va="top", fontsize=10, fontweight="bold")
        for axes in found:
            axes.grid(visible=True, color=LINE, linewidth=0.6)
            axes.set_axisbelow(True)
    return figure, found


def write_picture(figure: Figure, path: Path, dots_per_inch: int) -> None:
    """Writes the kind of file that the path's suffix names, over an older one of ours. Raises JepaError."""
    kind, file = path.suffix[1:], BytesIO()
    figure.savefig(file, format=kind, dpi=dots_per_inch, facecolor="white", metadata=PICTURES[kind])
    write_own(path, file.getvalue())


def _legend(axes: Axes, lines: Sequence[Line]) -> None:
    """Draws a legend of the chart's quantities; the page says which run has which colour."""
    labels = {line.label: line for line in lines if line.label}
    if not labels:
        return
    from matplotlib.lines import Line2D

    of_runs = len({line.run for line in lines}) > 1
    few = all(len(line.series.steps) < 3 for line in lines)
    handles = [
        Line2D(
            [],
            [],
            color=INK if of_runs else SERIES[line.colour],
            linestyle="none" if few else _dash(line),
            linewidth=1.6,
            marker=MARKERS[line.dash % len(MARKERS)] if len(line.series.steps) < 12 else None,
            markersize=3.5,
        )
        for line in labels.values()
    ]
    axes.legend(handles, list(map(literal, labels)), frameon=False, labelcolor=INK)


def _dash(line: Line) -> Any:
    return DASHES[line.dash % len(DASHES)]


def literal(text: str) -> str:
    """Escapes dollar signs, which matplotlib reads as formulas, and control characters, which it would print."""
    return plain(text).replace("$", r"\$")


def _spans(cells: Tensor) -> list[tuple[int, int]]:
    """(start, length) of each run of True in ``t``."""
    edges = torch.diff(cells.int(), prepend=torch.zeros(1).int(), append=torch.zeros(1).int())
    starts, ends = ((edges == sign).nonzero().flatten().tolist() for sign in (1, -1))
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


_STYLE: Any = {
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}
