"""What the terminal shows is what was meant: no markup, no folding where lines are searched."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_nothing_is_markup(capsys):
    odd = "runs/[red]x[/blue] :boom: [/]"
    console.say(odd)
    console.print_table(["name"], [[odd]])
    assert capsys.readouterr().out.count(odd) == 2


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
