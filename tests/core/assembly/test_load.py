"""Finished runs at work again: losses of a batch, their report, and what their recipe measures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import jepa_core
from jepa_core.assembly.load import evaluate_again
from jepa_core.cli.main import app
from jepa_core.verify.context import mode
from tests.tiny_runs import REGISTRY, run_tiny

SMALL = [
    "data={name: reversal_curse, entities_both_ways: 20, entities_one_way: 10, relation_pairs: 1}",
    "data.name_multiplicity=null",
    "model.config.n_embd=16",
    "model.config.n_head=2",
    "training.max_steps=2",
    "training.per_device_train_batch_size=16",
    "training.warmup_steps=0",
    "training.logging_steps=1",
]
#: Both spell answers from a memory of all candidates; the second has a predictor with a condition.
RECALLING = ("concept_tokens", "relational_tokens")


def jepa_run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="jepa-run")


@pytest.fixture(scope="module", params=RECALLING)
def finished(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "run"
    recipe = jepa_core.load_recipe(request.param, [*SMALL, f"output_dir={folder}"], REGISTRY)
    jepa_core.run(recipe, registry=REGISTRY, device="cpu")
    return folder


def test_a_run_that_recalls_gives_the_losses_of_a_batch(finished):
    """The candidates are those of its data; the same losses as when it was evaluated."""
    loaded = jepa_core.load(finished, REGISTRY)
    everything = loaded.data.evaluation["train"]
    with torch.no_grad():
        out = loaded.objective(**everything.__getitems__(range(len(everything))))
    metrics = json.loads((finished / "metrics.json").read_text())["train"]
    assert float(out.ntp_loss) > 0
    assert out.jepa_pairs == 2 * len(everything)
    assert float(loaded.objective.recall.temperature) == 0.05
    assert len(loaded.objective.spec.candidates) == 30
    own = loaded.objective.plan(everything.__getitems__(range(len(everything)))).own_labels
    assert metrics["num_samples"] == len(everything)
    assert metrics["ntp_loss"] == pytest.approx(own_loss(loaded.objective, everything), rel=1e-5)
    assert len(own.ids) == len(everything)
    out = jepa_core.load(finished, REGISTRY).objective.train()(**everything.__getitems__(range(8)))
    out.loss.backward()
    assert out.loss.isfinite()


def own_loss(objective, data) -> float:
    """The loss of the samples' own labels, without those of second views."""
    batch = data.__getitems__(range(len(data)))
    with torch.no_grad(), mode(objective, filters=False):
        plan = objective.plan(batch)
        hidden, labels = objective.hidden_states(plan), plan.own_labels
        states = hidden[objective.transformer.num_layers].at(0, labels.rows, labels.columns)
        logits = objective.transformer.logits(states)
    return float(torch.nn.functional.cross_entropy(logits, labels.ids))


def test_a_run_that_recalls_has_a_report(finished):
    done = jepa_run("report", finished)
    assert done.exit_code == 0, done.output
    assert "mask and embeddings" in done.stdout.splitlines()[-1]
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "can&#x27;t be loaded" not in page
    assert re.search(r"Predicted and target embeddings of \d+ pairs\.", page)


def test_a_run_that_recalls_is_evaluated_again(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert evaluate_again(finished, registry=REGISTRY) == metrics
    assert metrics["test"]["concept_candidates"] == 30


@pytest.fixture(scope="module")
def per_layer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("per_layer") / "run"
    run_tiny(folder, "evaluation.per_layer=true", "training.max_steps=1")
    return folder


def test_evaluation_keeps_what_the_recipe_says_of_layers(per_layer):
    metrics = json.loads((per_layer / "metrics.json").read_text())
    assert any("layer" in name for name in metrics["train"])
    assert evaluate_again(per_layer, registry=REGISTRY) == metrics
    done = jepa_run("eval", per_layer, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == metrics
    assert evaluate_again(per_layer, per_layer=False, registry=REGISTRY) != metrics


def test_layers_can_be_asked_for_later(tmp_path):
    run_tiny(tmp_path / "run", "training.max_steps=1")
    plain = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert evaluate_again(tmp_path / "run", registry=REGISTRY) == plain
    asked = evaluate_again(tmp_path / "run", per_layer=True, registry=REGISTRY)
    assert asked != plain
    assert json.loads(jepa_run("eval", tmp_path / "run", "--per-layer", "--json").stdout) == asked
