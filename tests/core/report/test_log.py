"""The log of a run is read as it was written, up to where it was cut off."""

from __future__ import annotations

import math
import os

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.report.log import Log, Series, read_log, read_whole_log

LINES = '{"step": 0, "seconds": 1, "loss": 2}\n{"step": 5, "seconds": 3, "loss": 1.5, "pairs": 7}\n'


def read(tmp_path, text: str) -> Log:
    path = tmp_path / "metrics.jsonl"
    path.write_text(text, encoding="utf-8")
    return read_log(path)


@pytest.mark.parametrize("rest", ["", '{"step": 6, "lo', '{"step": 6}'[:-1], '{"st\u00e9'])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path, rest):
    log = read(tmp_path, LINES + rest)
    assert log.series("loss") == Series((0, 5), (2.0, 1.5))
    assert log.series("pairs") == Series((5,), (7.0,))
    assert log.step == 5
    assert not log.series("nothing")


WRONG = [
    *('{"step": 1, "lo', '{"loss": 1}', "[1]", '{"step": "1"}', '{"step": true}', '{"step": -1}', '{"step": 1e3}'),
    *('{"step": 1, "seconds": "x"}', '{"step": 1, "seconds": 1e308}', '{"step": 1, "seconds": -1}', "[" * 9999),
    '{"step": 1' + "0" * 400 + "}",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_another_line_that_is_no_log_line_is_named(tmp_path, wrong):
    with pytest.raises(JepaError, match=r"metrics\.jsonl:2: no line of a run's log"):
        read(tmp_path, f'{{"step": 0}}\n{wrong}\n{LINES}')


def test_before_the_first_line(tmp_path):
    log = read_log(tmp_path / "metrics.jsonl")
    assert (log.step, log.seconds, log.tokens_per_second) == (0, 0, None)


def test_a_run_that_rehearses_counts_its_steps_on(tmp_path):
    for depth, lines in enumerate([[(2, 0.5, 3), (6, 1, 4)], [(4, 2, 2)], [(10, 1, 1), (20, 5, 0)]]):
        folder = RunFolder(tmp_path.joinpath(*["learned"] * depth))
        folder.path.mkdir(exist_ok=True)
        folder.recipe.write_text("{}")
        folder.log.write_text("".join(f'{{"step": {a}, "seconds": {b}, "loss": {c}}}\n' for a, b, c in lines))
    log = read_whole_log(RunFolder(tmp_path))
    assert log.series("loss") == Series((10, 20, 24, 26, 30), (1.0, 0.0, 2.0, 3.0, 4.0))
    assert (log.step, log.seconds) == (30, 5 + 2 + 1)


def test_what_is_not_finite_is_a_gap(tmp_path):
    """JSON has no NaN, so the log has it as text."""
    values = read(tmp_path, '{"step": 1, "loss": "nan"}\n{"step": 2, "loss": "inf"}\n{"step": 3, "loss": 4}\n')
    assert [math.isnan(value) for value in values.series("loss").values] == [True, True, False]


def test_seconds_of_a_resumed_run_add_up():
    """The clock began again after 5 and after 2.5 seconds."""
    log = Log([{"step": i, "seconds": s} for i, s in enumerate([1, 5, 2, 2.5, 1, 3])])
    assert log.seconds == 5 + 2.5 + 3


def test_tokens_per_second_are_the_median():
    log = Log([{"step": i, "tokens_per_second": v} for i, v in enumerate([10.0, 90.0, "nan", 11.0])])
    assert log.tokens_per_second == 11


def test_one_more_point():
    series = Series((1, 2), (5.0, 6.0))
    assert series.then(3, 7.0) == Series((1, 2, 3), (5.0, 6.0, 7.0))
    assert series.then(2, 7.0) == series.then(3, None) == series


def test_figures_of_hundreds_of_digits_are_gaps(tmp_path):
    log = read(tmp_path, '{"step": 1, "loss": 1' + "0" * 400 + '}\n{"step": 2, "loss": 1e308}\n')
    assert [math.isnan(value) for value in log.series("loss").values] == [True, False]


@pytest.mark.parametrize("what", ["pipe", "folder", "link to a device"])
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path, what):
    path = tmp_path / "metrics.jsonl"
    os.mkfifo(path) if what == "pipe" else path.mkdir() if what == "folder" else path.symlink_to("/dev/zero")
    with pytest.raises(JepaError, match=r"metrics\.jsonl: can't be read: not a regular file"):
        read_log(path)


def test_the_last_line_with_a_key():
    log = Log(({"step": 1, "a": 1}, {"step": 2, "a": 2}, {"step": 3}))
    assert log.last("a") == {"step": 2, "a": 2}
    assert log.last("b") == {}
