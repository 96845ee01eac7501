"""``eval``: a finished run, measured again."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import FAR, contents


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


def test_layers_are_shown(cli, finished):
    shown, plain = cli("eval", finished, "--per-layer").stdout, cli("eval", finished).stdout
    assert "by layer" not in plain
    metrics = json.loads(cli("eval", finished, "--json", "--per-layer").stdout)
    rows = [line.split() for line in shown.partition("mrr by layer")[2].splitlines()]
    for number, figures in metrics["test"]["layers"].items():
        assert [number, f"{figures['mrr']:.4f}"] in [[row[0], row[-1]] for row in rows if len(row) == 4]


def test_a_run_made_with_a_plugin_says_so(cli):
    Path("far.py").write_text(FAR)
    assert cli("tiny.yaml", "objective.distance=far", "--plugin", "far.py", "training.max_steps=1").exit_code == 0
    for command in ("eval", "verify", "ask"):
        done = cli(command, "runs/tiny")
        assert done.exit_code == 2
        assert "no distance is called 'far'" in done.stderr
        assert "runs/tiny/recipe.resolved.yaml: the run was made with a plugin: add --plugin far.py" in done.stderr
    assert cli("eval", "runs/tiny", "--plugin", "far.py").exit_code == 0
    Path("far.py").rename("moved.py")
    assert "the run was made with a plugin, which is not there now: far.py" in cli("eval", "runs/tiny").stderr


def test_an_unfinished_run_has_no_figures(cli):
    done = cli("eval", "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "jepa-run: nothing: no finished run there\n"
