"""Shows on the terminal what was meant: no markup, no folding where lines are searched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from jepa_core.launch.run import Result
from jepa_core.registry import Registry
from jepa_core.report import console

METRICS = {
    "train": {"ntp_loss": 0.5, "mrr": 1.0, "num_samples": 1200, "layers": {"0": {"mrr": 0.1}}},
    "test": {"ntp_loss": 2.25, "mrr": None, "num_samples": 7},
}


@pytest.fixture(autouse=True)
def in_a_pipe(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip() and "─" not in line]


def test_a_row_a_metric_and_a_column_a_split(capsys):
    captions = {"test": "asked the other way round", "train": "trained in both ways", "atomic": "in one way"}
    console.show_result(Result(METRICS, Path("runs/a"), "trained", captions), Registry.discover())
    first, *table, legend = cells(capsys.readouterr().out)
    assert first == ["runs/a:", "trained"]
    assert table == [
        ["metric", "train", "test"],
        ["ntp_loss", "0.5000", "2.2500"],
        ["mrr", "1.0000", "–"],
        ["num_samples", "1,200", "7"],
    ]
    assert " ".join(legend) == "train: trained in both ways · test: asked the other way round"


def test_answers_that_a_model_wrote_are_shown(capsys):
    case = {"prompt": "a line", "expected": "b", "text": "c", "stopped": True, "why": "other lines"}
    cases = [case | {"kind": "right"}, *[case | {"kind": "wrong"}] * 3]
    metrics = {"test": {"mrr": 1.0, "generated_content": 0.25, "generated_examples": cases}}
    console.show_metrics(metrics, Registry.discover(), {})
    shown = cells(capsys.readouterr().out)
    assert ["content", "0.250"] in shown
    assert [line[:2] for line in shown if line[0] == "test"] == [
        ["test", "right"],
        ["test", "wrong"],
        ["test", "wrong"],
    ]


def test_nothing_is_markup(capsys):
    odd = "runs/[red]x[/blue] :boom: [/]"
    console.say(odd)
    console.print_table(["name"], [[odd]])
    assert capsys.readouterr().out.count(odd) == 2


def test_nothing_gives_orders_to_the_terminal(monkeypatch, capsys):
    """However it comes in: as text, as a cell, as a title, in a metric's name."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    odd = "\x1b]0;mine\x07 \x9b2J \u202e"
    shown = "␛]0;mine␇ \N{REPLACEMENT CHARACTER}2J \N{REPLACEMENT CHARACTER}"
    console.say(odd)
    console.print_table([odd], [[odd]])
    console.show_result(Result({odd: {odd: 0.5}}, Path(odd), "trained"), Registry.discover())
    out = capsys.readouterr().out
    assert out.count(shown) == 6
    console.console().print(Text(odd, style="bold"))  # of which rich leaves some characters out
    out += capsys.readouterr().out
    assert "\x1b[1m" in out, "styles of our own still are"
    left = re.sub(r"\x1b\[[\d;]*m", "", out)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", left)


def test_what_a_terminal_can_not_write_is_spelled():
    code = "from jepa_core.streams import *; from jepa_core.report.console import *; outlive_readers(); say('é 時间')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "\\xe9 \\u6642\\u95f4\n", done.stderr


@pytest.mark.parametrize(("value", "shown"), [(None, "–"), ("x", "–"), ([1], "–"), (1200, "1,200"), (0.5, "0.5000")])
def test_a_figure(value, shown):
    assert console.figure(value) == shown


def test_a_long_message_stays_one_line(capsys):
    message = "resuming from " + "a long folder/" * 30
    console.say(message)
    assert capsys.readouterr().out == message + "\n"


def test_a_row_of_a_table_stays_one_line_in_a_pipe(capsys):
    console.print_table(["plugin", "cause"], [["bad:thing", "word " * 30]])
    assert ("word " * 30).strip() in capsys.readouterr().out


def test_a_terminal_is_as_wide_as_it_says(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert console.console().width == 60


def test_only_the_first_of_several_processes_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    console.say("hello")
    assert capsys.readouterr().out == ""


def test_a_component_without_options_has_no_table(capsys):
    console.show_component(Registry.discover().find("mask", "block_causal"))
    out = capsys.readouterr().out
    assert out.startswith("block_causal: mask from jepa-core:block_causal_mask ")
    assert "option" not in out


def test_numbered_figures_are_folded_beyond_three(capsys):
    long = {"mrr": 0.5, **{f"mrr_token{n}": n / 32 for n in range(1, 19)}, "hits@1": 0.1, "hits@3": 0.2}
    console.show_metrics({"test": long}, Registry.discover(), {})
    rows = cells(capsys.readouterr().out)[1:]
    assert [row[0] for row in rows] == [
        "mrr",
        "mrr_token1",
        "mrr_token2",
        "mrr_token3",
        "mrr_token4",
        "hits@1",
        "hits@3",
    ]
    assert rows[4] == ["mrr_token4", "…", "mrr_token18", "…"]


def test_hits_are_never_folded_nor_is_one_name_alone():
    hits = [f"hits@{n}" for n in (1, 3, 10, 30, 100)]
    assert [name for name, _ in console.fold_numbered(hits)] == hits
    assert console.fold_numbered(["x1", "x2", "x3", "x4"])[-1] == ("x4", "")
