"""Evaluations that break their contract, and sets that can't be evaluated, are told before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import jepa_core
from jepa_core.assembly.first_evaluation import Few, try_evaluation
from jepa_core.errors import ComponentError, RecipeError
from jepa_core.registry import Registry
from tests.tiny_runs import TINY, tiny

PLUGIN = """
import torch
import jepa_core


class Mine:
    def __init__(self, context):
        self.context = context

    def __call__(self, name, samples, batch_size):
        {body}


@jepa_core.hookimpl
def jepa_evaluations():
    return {{"mine": Mine}}
"""


def prepared(folder: Path, body: str, *overrides: str):
    (folder / "mine.py").write_text(PLUGIN.format(body=body))
    registry = Registry.discover()
    registry.add_file(folder / "mine.py")
    options = [*TINY, "training.max_steps=1", "evaluation.also=[mine]", f"output_dir={folder / 'run'}", *overrides]
    return jepa_core.load_recipe("cosine_k1", options, registry), registry


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "it returns NoneType, not figures by name"),
        ("return [1]", "it returns list"),
        ("return {1: 2.0}", "a figure is called 1"),
        ("return {'a': torch.ones(())}", "its figure 'a' is of type Tensor"),
        ("return {'a': 'text'}", "its figure 'a' is of type str"),
        ("return {'a': True}", "its figure 'a' is of type bool"),
        ("return {'a': 10**400}", "its figure 'a' is of type int"),
        ("return {'a': [{1}]}", "its figure 'a' holds what JSON can't"),
        ("return {'mrr': 1.0}", "gives 'mrr', which is measured already"),
        ("raise KeyError('x')", "fails on set 'train': KeyError: 'x'"),
        ("import sys; sys.exit(0)", "fails on set 'train': SystemExit: 0"),
        ("return {'a': samples.nothing}", "fails on set 'train': AttributeError"),
    ],
)
def test_a_broken_evaluation_is_told_before_training(tmp_path, body, words):
    recipe, registry = prepared(tmp_path, body)
    with pytest.raises(
        RecipeError, match=rf"^command line: evaluation.also.0: ('mine' )?(breaks its contract: )?{words}"
    ) as raised:
        jepa_core.run(recipe, registry=registry, device="cpu")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_one_that_fails_at_the_end_only_is_one_line_too(tmp_path):
    """With its place in the recipe, but as something was run by then, not as a mistake in the recipe."""
    recipe, registry = prepared(tmp_path, "return {'a': 1 / (len(samples) < 5)}")
    with pytest.raises(ComponentError, match=r"evaluation.also.0: 'mine' fails on set 'train': ZeroDivisionError"):
        jepa_core.run(recipe, registry=registry, device="cpu")
    assert (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_good_one_gets_all_of_each_set(tmp_path):
    """After it was tried on two samples of each group; numbers in it that are not finite are null and named."""
    recipe, registry = prepared(tmp_path, "return {'a_count': len(samples), 'a_list': [1.0, {'b': float('nan')}]}")
    result = jepa_core.run(recipe, registry=registry, device="cpu")
    run = jepa_core.build(recipe, registry)
    assert {name: of["a_count"] for name, of in result.metrics.items()} == {
        name: len(data_set) for name, data_set in run.eval_datasets.items()
    }
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert kept["test"]["a_list"] == [1.0, {"b": None}]
    assert kept["test"]["non_finite"]["figures"] == ["a_list.1.b"]


def test_a_trial_leaves_no_trace(tmp_path):
    recipe, registry = prepared(tmp_path, "torch.rand(3); return {'a': 1}")
    run = jepa_core.build(recipe, registry, "cpu")
    before = {name: tensor.clone() for name, tensor in run.objective.state_dict().items()}
    drawn = torch.get_rng_state()
    try_evaluation(run)
    assert run.objective.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.objective.state_dict().items())


def test_a_set_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    run = jepa_core.build(tiny(tmp_path), device="cpu")
    few = type("Set", (Few,), {"__getitems__": lambda self, items: 1 / 0})(run.eval_datasets["test"])
    monkeypatch.setitem(run.eval_datasets, "test", few)
    with pytest.raises(RecipeError, match="data: 'reversal_curse' gives a set 'test' that can't be evaluated: ZeroDiv"):
        try_evaluation(run)


def test_few_samples_are_a_set(tmp_path):
    whole = jepa_core.build(tiny(tmp_path), device="cpu").train_dataset
    few = Few(whole)
    assert few.group_sizes == {"train": 2, "atomic": 2}
    assert len(few) == 4
    assert few.max_length == whole.max_length
    groups = few.__getitems__(range(4))["group"].tolist()
    for number, name in enumerate(("train", "atomic")):
        assert [groups[row] for row in few.first_rows(name, 9)] == [number, number]
        assert few.first_rows(name, 1).tolist() == few.first_rows(name, 9).tolist()[:1]
    assert few.first_rows("test", 3).tolist() == []
    first = whole.first_rows("atomic", 1).tolist()[0]
    assert few[few.first_rows("atomic", 1).tolist()[0]]["index"] == whole[first]["index"]
