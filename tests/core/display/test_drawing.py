"""Pictures hold the numbers that they were given."""

from __future__ import annotations

import sys
import warnings

import pytest
import torch
from matplotlib.colors import to_rgb

from jepa_core.display.chart import Chart, Line, Series
from jepa_core.display.colours import INK, MUTED, SERIES
from jepa_core.display.drawing import HEIGHT, WIDTH, blank, draw_chart, draw_mask, draw_projection, mask_width, panels
from jepa_core.display.html import COLUMN
from jepa_core.display.projection import Projection
from jepa_core.errors import JepaError


def curve(*values: float, run: str = "a", label: str = "", colour: int = 0, dash: int = 0) -> Line:
    return Line(run, label, Series(tuple(range(len(values))), values), colour, dash)


def test_a_chart_has_the_curves_with_their_colours():
    figure = draw_chart(Chart("Loss", (curve(3.0, 2.0, 2.0), curve(1.0, 2.0, 2.0, colour=4, dash=1))))
    axes = figure.axes[0]
    first, second = axes.get_lines()
    assert first.get_xydata().tolist() == [[0, 3], [1, 2], [2, 2]]
    assert second.get_xydata().tolist() == [[0, 1], [1, 2], [2, 2]]
    assert [line.get_color() for line in (first, second)] == [SERIES[0], SERIES[4]]
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_linewidth() > second.get_linewidth()  # so that it shows under the second
    assert figure.get_suptitle() == "Loss"
    assert axes.get_legend() is None


def test_panels_are_as_wide_as_one_picture_each():
    figure, (left, right) = panels("Two", 2)
    assert figure.get_size_inches().tolist() == [2 * WIDTH, HEIGHT]
    _, alone = blank("One")
    wide, narrow = right.get_position(), alone.get_position()
    assert 2 * wide.width == pytest.approx(narrow.width)
    assert wide.x0 - left.get_position().x0 == pytest.approx(0.5)
    assert (wide.y0, wide.y1) == (narrow.y0, narrow.y1)


def test_scales():
    assert draw_chart(Chart("Loss", (curve(100.0, 1.0),))).axes[0].get_yscale() == "log"
    assert draw_chart(Chart("Share", (curve(0.5, 0.4),), scale="share")).axes[0].get_ylim() == (-0.03, 1.03)
    low, high = draw_chart(Chart("Rate", (curve(5.0, 6.0),), scale="from zero")).axes[0].get_ylim()
    assert low == 0
    assert high > 6
    assert draw_chart(Chart("Nothing yet", (curve(0.0),), scale="from zero")).axes[0].get_ylim()[1] > 0


def test_charts_over_steps_begin_where_training_did():
    line = Line("a", "", Series((50, 60), (3.0, 2.0)), 0)
    axes = draw_chart(Chart("Loss", (line,))).axes[0]
    assert axes.get_xlim() == pytest.approx((-1.2, 61.2))
    layers = draw_chart(Chart("Loss", (line,), across="layer")).axes[0]
    assert layers.get_xlim()[0] > 40


def test_two_points_are_not_joined():
    two, three = draw_chart(Chart("Rank", (curve(3.0, 2.0), curve(1.0, 2.0, 3.0, dash=1)))).axes[0].get_lines()
    assert (two.get_linestyle(), two.get_marker()) == ("None", "o")
    assert three.get_linestyle() != "None"


@pytest.mark.parametrize(
    ("values", "scale", "limits"),
    [
        ((-0.0057, -0.0060), "linear", (-0.00645, -0.00525)),  # no drift: the axis spans a fifth of the values
        ((2.0, 8.0), "auto", (0.0, 8.4)),
        ((6.0, 8.0), "auto", (5.95, 8.05)),
        ((0.5, 0.4), "cosine", (-1.05, 1.05)),
        ((0.0,), "from zero", (0.0, 1.0)),
        ((1.0, 100.0), "auto", None),
        ((float("nan"),), "auto", None),
    ],
)
def test_axes_suggest_nothing(values, scale, limits):
    found = Chart("x", (curve(*values),), scale=scale).limits
    assert found == (limits if limits is None else pytest.approx(limits))


def test_a_legend_names_quantities_not_runs():
    """A legend of several runs is in the colour of text: the page tells the runs' colours."""
    one = draw_chart(Chart("x", (curve(1.0, label="NTP"), curve(2.0, label="JEPA", colour=1)))).axes[0].get_legend()
    assert [text.get_text() for text in one.get_texts()] == ["NTP", "JEPA"]
    assert [line.get_color() for line in one.get_lines()] == SERIES[:2]
    lines = (curve(1.0, label="$a$"), curve(1.0, run="b", label="$a$", colour=1))
    several = draw_chart(Chart("x", lines)).axes[0].get_legend()
    assert [line.get_color() for line in several.get_lines()] == [INK]


def test_dollars_are_no_formula():
    figure = draw_chart(Chart("cost $a_b$ of $", (curve(1.0, label="$x_y$"), curve(2.0, label="z", colour=1))))
    figure.draw_without_rendering()  # would raise on a bad formula
    assert figure.get_suptitle() == r"cost \$a_b\$ of \$"


class TestMask:
    NAMES = ("a", "b", "c", "d", "e")
    BLOCK = torch.tensor([0, 0, 0, 1, 1])

    def cells(self, allowed: torch.Tensor) -> dict[str, set[tuple[int, int]]]:
        """The (row, column) of every cell that is filled, by colour."""
        from matplotlib.colors import to_hex

        axes = draw_mask("Mask", allowed, self.NAMES, self.BLOCK).axes[0]
        found: dict[str, set[tuple[int, int]]] = {}
        for collection in axes.collections:
            for path in collection.get_paths():
                (left, top), (right, bottom) = path.vertices.min(axis=0), path.vertices.max(axis=0)
                assert bottom - top == pytest.approx(0.92)
                row = round((top + bottom) / 2)
                columns = range(round(left + 0.46), round(right - 0.46) + 1)
                found.setdefault(to_hex(collection.get_facecolor()[0]), set()).update((row, c) for c in columns)
        return found

    def test_every_open_place_is_filled_and_no_other(self):
        torch.manual_seed(0)
        for _ in range(20):
            allowed = torch.rand(5, 5) < 0.5
            cells = self.cells(allowed)
            same = self.BLOCK[:, None] == self.BLOCK[None]
            for colour, where in ((MUTED, allowed & same), (INK, allowed & ~same)):
                assert cells.get(colour, set()) == set(map(tuple, where.nonzero().tolist()))

    def test_tokens_are_named_on_both_sides(self):
        names = ["<PRED>", "an immeasurably long name", "$", "\x1b[2J", "e"]
        axes = draw_mask("Mask", torch.eye(5).bool(), names, self.BLOCK).axes[0]
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            assert [text.get_text() for text in labels] == ["<PRED>", "an immeasurably…", r"\$", "␛[2J", "e"]
        assert axes.get_ylim() == (4.5, -0.5)  # the first token's row on top

    def test_masks_side_by_side_have_one_scale(self):
        axes = draw_mask("Mask", torch.eye(5).bool(), self.NAMES, self.BLOCK, room=13).axes[0]
        assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 12.5), (12.5, -0.5))

    @pytest.mark.parametrize("count", [6, 13, 29, 60])
    def test_on_a_page_its_names_can_be_read(self, count):
        figure = draw_mask("Mask", torch.eye(count).bool(), ["token"] * count, torch.zeros(count).int())
        (name, *_) = figure.axes[0].get_xticklabels()
        scale = mask_width(count) / (figure.get_size_inches()[0] * 72)
        assert name.get_fontsize() * scale >= 9 - 1e-6
        assert mask_width(13) <= COLUMN < mask_width(29)

    def test_a_long_row_goes_without_names(self):
        axes = draw_mask("Mask", torch.eye(80).bool(), ["token"] * 80, torch.zeros(80).int()).axes[0]
        assert axes.get_xticklabels() == axes.get_yticklabels() == []


def test_pairs_are_joined():
    sides = torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[4.0, 5.0], [6.0, 7.0]])
    axes = draw_projection("Pairs", Projection(*sides, (0.5, 0.25))).axes[0]
    assert [line.get_xydata().tolist() for line in axes.get_lines()] == [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    assert [dots.get_offsets().tolist() for dots in axes.collections] == [side.tolist() for side in sides]
    assert axes.get_xlabel() == "first component (50% of the variance)"
    dots = draw_projection("Pairs", Projection(*sides, (0.5, 0.25)), colour=3).axes[0].collections
    assert [tuple(each.get_facecolor()[0][:3]) for each in dots] == [to_rgb(SERIES[3]), to_rgb(INK)]


def test_a_collapsed_cloud_looks_like_a_point():
    sides = torch.full((3, 2), 0.01), torch.full((3, 2), -0.01)
    axes = draw_projection("Pairs", Projection(*sides, (1.0, 0.0), length=8.0, spread=0.014)).axes[0]
    with warnings.catch_warnings(action="error"):  # matplotlib would rather move the limits, and say so
        axes.figure.draw_without_rendering()
    assert axes.get_xlim() == axes.get_ylim() == (-2, 2)
    wide = draw_projection("Pairs", Projection(*(300 * side for side in sides), (1.0, 0.0), length=8.0)).axes[0]
    assert wide.get_xlim() == pytest.approx((-3.3, 3.3))


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(JepaError, match=r"pictures need matplotlib.*pip install 'jepa-core\[plots\]'"):
        blank("Title")
