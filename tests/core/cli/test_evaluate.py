"""``eval``: a finished run, measured again."""

from __future__ import annotations

import json
from pathlib import Path

import jepa_core
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe

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


def test_facts_are_read_from_recipes_alone(cli, finished):
    done = cli("eval", finished, "--data", "more.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "jepa-run: more.json: 'reversal_curse' reads no sets but those of its recipe\n"


def test_a_file_that_the_run_never_saw(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = pairs_recipe(tmp_path, "evaluation.also=[{name: generation, max_new_tokens: 8}]")
    run = jepa_core.run(recipe, registry=REGISTRY, device="cpu", say=lambda message: None)
    before = contents(run.output_dir)
    (tmp_path / "more.jsonl").write_text(
        '{"prompt": "ab", "completion": "b+"}\n{"prompt": "<|end|>", "completion": "b"}\n'
    )
    done = cli("eval", run.output_dir, "--data", "more.jsonl", "--json")
    assert done.exit_code == 0, done.output
    metrics = json.loads(done.stdout)
    assert list(metrics) == ["more"]
    assert (metrics["more"]["num_samples"], len(metrics["more"]["generated_examples"])) == (2, 2)
    assert "more: of 2 conversations 1 with special tokens" in done.stderr
    assert contents(run.output_dir) == before
    (tmp_path / "bad.jsonl").write_text('{"prompt": "ab"}\n')
    done = cli("eval", run.output_dir, "--data", "bad.jsonl")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        "jepa-run: bad.jsonl: line 1: completion: content: expected text, it is missing",
    )
