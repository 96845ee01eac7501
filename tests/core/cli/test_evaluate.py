"""``eval``: a finished run, measured again."""

from __future__ import annotations

import json

from .conftest import contents


def test_the_figures_are_those_of_the_run_and_nothing_is_changed(cli, finished):
    before = contents(finished)
    done = cli("eval", finished, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((finished / "metrics.json").read_text())
    assert contents(finished) == before


def test_as_a_table(cli, finished):
    done = cli("eval", finished)
    metrics = json.loads((finished / "metrics.json").read_text())
    (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith(" mrr "))
    assert row == ["mrr", *(f"{metrics[split]['mrr']:.4f}" for split in ("train", "atomic", "test"))]
    (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith(" jepa_loss "))
    assert row[2:] == ["–", "–"]


def test_layer_by_layer(cli, finished):
    metrics = json.loads(cli("eval", finished, "--json", "--per-layer").stdout)
    assert len(metrics["test"]["layers"]) >= 2
    assert "layers" not in json.loads((finished / "metrics.json").read_text())["test"]


def test_an_unfinished_run_has_no_figures(cli):
    done = cli("eval", "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "jepa-run: nothing: no finished run there\n"
