from __future__ import annotations

from dataclasses import replace

import pytest

from jepa_core.display.colours import SERIES
from jepa_core.errors import JepaError
from jepa_core.study.curves import curve, draw_curves, write_curves
from jepa_core.study.results import StudyResult, read_results
from tests.core.study.specimen import ABLATION, STUDY, pretend, tiny


@pytest.fixture
def result(registry) -> StudyResult:
    text = STUDY.replace("with JEPA", "with $x_y$") + ABLATION.replace("without: ntp", "without: jepa")
    design = tiny(registry, text)
    for name, finals in (("jepa", (0.3, 0.6)), ("lame", (0.9,))):
        for cell, mrr in zip(design.known_cells(name), finals, strict=True):
            pretend(cell.recipe(registry), mrr)
    return read_results(design, {"jepa": 100})


def test_a_curve_is_the_mean_over_the_seeds(result):
    found = curve(result.arms[1], "test.mrr")
    assert found.steps == (2, 4, 6)
    assert [summary.mean for summary in found.summaries] == pytest.approx([0.15, 0.3, 0.45])
    assert found.summaries[2].half == pytest.approx(12.706 * 0.15, rel=1e-3)
    assert curve(result.arms[1], "test.joint_accuracy").steps == (6,)


def test_curves_and_bands_over_steps_and_over_flops(result):
    figure = draw_curves(result)
    over_steps, over_flops = figure.axes
    jepa, lame = over_steps.get_lines()
    assert [*jepa.get_xdata()] == [2, 4, 6]
    assert jepa.get_ydata() == pytest.approx([0.15, 0.3, 0.45])
    assert (jepa.get_color(), lame.get_color()) == (SERIES[1], SERIES[2])
    assert jepa.get_linestyle() != lame.get_linestyle(), "an ablation is dashed"
    assert [[*line.get_xdata()] for line in over_flops.get_lines()] == [[200, 400, 600]], "the other's are not known"
    band = over_steps.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(0.45 + 12.706 * 0.15, rel=1e-3)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"with \$x_y\$", "lame"]
    assert over_steps.get_position().x1 < over_flops.get_position().x0


def test_a_band_of_few_seeds_leaves_the_curves_their_room(result):
    """Two seeds, 0.3 apart, have an interval of 3.8; single figures lie between 0.1 and 0.9."""
    for axes in draw_curves(result).axes:
        assert axes.get_ylim() == pytest.approx((0.1 - 0.4, 0.9 + 0.4))


def test_what_was_evaluated_once_has_no_curve(result, registry):
    (lame,) = result.arms[2].finished
    lame.series["test.mrr"] = replace(lame.series["test.mrr"], steps=(6,), values=(0.9,))
    assert [line.get_label() for line in draw_curves(result).axes[0].get_lines()] == [r"with \$x_y\$"]


def test_where_there_is_no_curve_there_is_no_picture(result, tmp_path):
    arms = [arm for arm in result.arms if not arm.finished]
    with pytest.raises(JepaError, match=r"no run measured test\.mrr more than once; training\.eval_steps"):
        write_curves(replace(result, arms=arms), tmp_path)
    assert list(tmp_path.glob("curves.*")) == []


def test_flops_that_are_not_known_have_no_panel(result):
    figure = draw_curves(replace(result, arms=[replace(arm, flops=None) for arm in result.arms]))
    assert [axes.get_xlabel() for axes in figure.axes] == ["step"]


@pytest.mark.parametrize("length", [3, 20, 38, 90])
def test_the_legend_stands_below_the_curves(result, length):
    arms = [replace(arm, label=("next-token prediction " * 5)[:length]) for arm in result.arms[1:]] * 3
    one_panel = [replace(arm, flops=None, label=arm.label[:45]) for arm in arms]
    for figure in (draw_curves(replace(result, arms=arms)), draw_curves(replace(result, arms=one_panel))):
        assert_legend_below(figure)


def assert_legend_below(figure):
    figure.canvas.draw()
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    extent = figure.legends[0].get_window_extent()
    assert extent.y1 <= lowest
    assert extent.x1 <= figure.bbox.x1


def test_they_are_files_also_before_there_is_anything(result, registry, tmp_path):
    for some in (result, read_results(tiny(registry), {})):
        paths = write_curves(some, tmp_path)
        assert [path.name for path in paths] == ["curves.png", "curves.svg"]
        assert all(path.stat().st_size > 1000 for path in paths)
