"""A component that does not keep its contract is named, with the clause, before a run writes anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import jepa_core
from jepa_core.assembly.watched_step import watched_step
from jepa_core.errors import RecipeError
from jepa_core.launch.run import run
from jepa_core.registry import Registry
from tests.tiny_runs import TINY, run_tiny

HEAD = """
import random
import numpy
import torch
from torch import nn
import jepa_core
from jepa_core import Part, Views, hookimpl

class Broken{base}:
    {attributes}
    def {call}(self, {arguments}):
        {body}

@hookimpl
def {hook}():
    return {{"broken": lambda: Broken()}}
"""
KINDS = {
    "distance": ("jepa_distance_functions", "predicted, target", "((predicted - target) ** 2).sum(-1)", ""),
    "embedding": ("jepa_embedding_extractors", "hidden, valid, tags", "hidden[:, 0]", ""),
    "predictor": ("jepa_predictors", "state, condition", "2 * state", ""),
    "regularizer": ("jepa_regularizers", "embeddings, draws", "embeddings.square().mean()", ""),
    "filter": ("jepa_loss_filters", "eligible, batch, draws", "eligible", ""),
    "mask": ("jepa_mask_builders", "query, key, layer", "query.block == key.block", ""),
    "reversal": ("jepa_reversal_strategies", "facts", "None", ""),
}
KEYS = {kind: f"objective.{kind}" for kind in KINDS} | {
    "filter": "objective.filters.0",
    "regularizer": "objective.regularizers.0",
}


def built(folder: Path, kind: str, body: str, module: bool = False):
    """A run with a component that does `body`, in which GOOD is what it should return."""
    hook, arguments, good, attributes = KINDS[kind]
    text = HEAD.format(
        base="(nn.Module)" if module else "",
        attributes=attributes,
        call="forward" if module else "__call__",
        arguments=arguments,
        body=body.replace("GOOD", good),
        hook=hook,
    )
    (folder / "broken.py").write_text(text)
    registry = Registry.discover()
    registry.add_file(folder / "broken.py")
    use = f"objective.{kind}s=[broken]" if kind in ("filter", "regularizer") else f"objective.{kind}=broken"
    recipe = jepa_core.load_recipe(
        "cosine_k1", [*TINY, "model.config.n_layer=2", use, f"output_dir={folder / 'run'}"], registry=registry
    )
    return recipe, registry


CASES = [
    ("distance", "raise KeyError('x')", r"fails: KeyError: 'x'"),
    ("distance", "import sys; sys.exit(3)", "fails: SystemExit: 3"),
    ("distance", "return GOOD.mean()", r"it returns \(\), not \(\d,\): one number a pair"),
    ("distance", "return (GOOD).int()", "it returns torch.int32, not floating-point numbers"),
    ("distance", "return GOOD * float('nan')", "it returns NaN or infinity for finite inputs"),
    ("distance", "return (GOOD).detach()", "a tensor cut off from its inputs"),
    ("distance", "predicted.data.add_(1); return GOOD", "it changes what it is given in place"),
    ("distance", "torch.rand(1); return GOOD", "it draws from a global random number generator"),
    ("distance", "random.random(); return GOOD", "it draws from a global random number generator"),
    ("distance", "numpy.random.rand(); return GOOD", "it draws from a global random number generator"),
    ("embedding", "raise ValueError('x')", "fails: ValueError: x"),
    ("embedding", "return GOOD[:, :3]", r"it returns \(\d, 3\), not \(\d, 16\): one vector a sample"),
    ("embedding", "return (GOOD).detach()", "a tensor cut off"),
    ("embedding", "return GOOD / 0", "NaN or infinity"),
    ("embedding", "hidden.data.zero_(); return GOOD", "in place"),
    ("predictor", "raise ValueError('x')", "fails: ValueError: x"),
    ("predictor", "return GOOD[:, :3]", r"it returns \(\d, 3\), not \(\d, 16\): one vector a pair"),
    ("predictor", "return (GOOD).detach()", "a tensor cut off"),
    ("regularizer", "raise ValueError('x')", "fails: ValueError: x"),
    ("regularizer", "return embeddings.sum(dim=0)", r"it returns \(16,\), not \(\): a scalar"),
    ("regularizer", "torch.rand(1); return GOOD", "draws from a global random number generator"),
    ("filter", "raise ValueError('x')", "fails: ValueError: x"),
    ("filter", "return eligible[:1]", "one bool a sample"),
    ("filter", "return eligible.float()", "it returns torch.float32, not bool"),
    ("filter", "batch['input_ids'][:] = 0; return GOOD", "in place"),
    ("filter", "return torch.rand(eligible.shape) < 2", "draws from a global random number generator"),
    ("mask", "return (GOOD).float()", "it returns torch.float32, not bool"),
    ("mask", "return torch.ones(3, 3, dtype=torch.bool)", "does not broadcast to"),
    ("mask", "return 1", "it returns int; a mask is a tensor of bool"),
    ("reversal", "raise ValueError('x')", "fails: ValueError: x"),
    ("reversal", "return facts", "it returns Samples; a strategy returns Views"),
    ("reversal", "facts.ids[:] = 0; return None", "in place"),
    ("reversal", "return Views(((Part(facts.valid[:, :2]), Part(facts.valid)),))", "a part's select is"),
    ("reversal", "return Views(((Part(facts.valid | True), Part(facts.valid)),))", "a part's select has padding"),
    ("reversal", "return Views(((Part(facts.valid[:1]), Part(facts.valid)),))", "a part's select is"),
    (
        "reversal",
        "return Views(((Part(facts.valid), jepa_core.NewBlock(jepa_core.Samples(facts.ids + 99, facts.tags))),))",
        "the model knows 0 to",
    ),
    ("reversal", "raise jepa_core.ComponentError('no rendering')", "refuses: no rendering"),
    ("mask", "return (GOOD) & (query.position - key.position < 9 - 8 * layer)", "layer 1 sees something else"),
]


@pytest.mark.parametrize(("kind", "body", "words"), CASES)
def test_a_broken_component_is_named(tmp_path, kind, body, words):
    recipe, registry = built(tmp_path, kind, body)
    with pytest.raises(RecipeError, match=rf"{KEYS[kind]}: 'broken' (breaks its contract: .*)?{words}"):
        run(recipe, registry=registry, device="cpu")
    assert not (tmp_path / "run").exists()


#: What a class of components says, or does not have, and what is told of it; each comes before any of them is called.
DECLARED = [
    ("distance", "needs = None", r"breaks its contract: needs = None: must be a tuple of names"),
    ("distance", "weight = nn.Parameter(torch.ones(1)); __init__ = lambda s: setattr(s, 'w', s.weight)", "in 'w' that"),
    ("embedding", "reads = staticmethod(lambda valid, tags: valid.float())", "it returns torch.float32, not bool"),
    ("embedding", "reads = staticmethod(lambda valid, tags: valid[:, :1])", r"not \(\d, \d\): reads gives one bool"),
    ("embedding", "reads = lambda self: None", "fails: TypeError"),
    ("regularizer", "of_side = 'predict'", "must be 'predicted', 'target' or 'both'"),
    ("filter", "rate = 2", "a share from 0 to 1"),
]


@pytest.mark.parametrize(("kind", "attributes", "words"), DECLARED)
def test_a_false_declaration_is_named(tmp_path, monkeypatch, kind, attributes, words):
    hook, arguments, good, _ = KINDS[kind]
    monkeypatch.setitem(KINDS, kind, (hook, arguments, good, attributes))
    recipe, registry = built(tmp_path, kind, "return GOOD")
    with pytest.raises(RecipeError, match=rf"{KEYS[kind]}: 'broken' .*{words}"):
        run(recipe, registry=registry, device="cpu")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("kind", "attributes", "words"),
    [
        ("distance", "needs = ('bankk',)", r"objective: Broken needs 'bankk', which nothing supplies; did you mean"),
        ("embedding", "layer = 99", "objective: Broken: layer 99: this model has layers 0"),
        ("predictor", "needs_condition = True", "objective: predictor Broken needs a condition"),
        ("reversal", "leaks_on = ('train',)", "objective.filters: the views of Broken give away the held-out answer"),
    ],
)
def test_what_does_not_go_together_is_told_with_its_line(tmp_path, monkeypatch, kind, attributes, words):
    hook, arguments, good, _ = KINDS[kind]
    monkeypatch.setitem(KINDS, kind, (hook, arguments, good, attributes))
    good = "Views(((Part(facts.valid), Part(facts.valid)),))" if kind == "reversal" else "GOOD"
    recipe, registry = built(tmp_path, kind, f"return {good}")
    with pytest.raises(RecipeError, match=rf"(command line|yaml:\d+): {words}"):
        run(recipe, registry=registry, device="cpu")


@pytest.mark.parametrize("factory", ["lambda: None", "lambda: sys.exit(3)"])
def test_a_factory_that_makes_nothing_is_named(tmp_path, factory):
    (tmp_path / "broken.py").write_text(
        f"import sys\nimport jepa_core\n\n@jepa_core.hookimpl\ndef jepa_predictors(): return {{'broken': {factory}}}\n"
    )
    registry = Registry.discover()
    registry.add_file(tmp_path / "broken.py")
    with pytest.raises(RecipeError, match=r"objective.predictor: .*'broken'.*(NoneType|SystemExit: 3)"):
        recipe = jepa_core.load_recipe("cosine_k1", [*TINY, "objective.predictor=broken"], registry=registry)
        jepa_core.build(recipe, registry)


@pytest.mark.parametrize("body", ["return (GOOD).detach()", "torch.rand(1); return GOOD"])
def test_a_module_too(tmp_path, body):
    recipe, registry = built(tmp_path, "distance", body, module=True)
    with pytest.raises(RecipeError, match="'broken' breaks its contract"):
        run(recipe, registry=registry, device="cpu")


def test_a_good_one_is_left_as_it_was(tmp_path):
    """The same component, weights, mode and random numbers; nothing of the guard stays."""
    recipe, registry = built(tmp_path, "distance", "return GOOD", module=True)
    run = jepa_core.build(recipe, registry, "cpu")
    objective = run.objective
    distance, modules = objective.distance, list(objective._modules)
    before = {name: tensor.clone() for name, tensor in objective.state_dict().items()}
    drawn = torch.get_rng_state()
    watched_step(run)
    assert objective.distance is distance
    assert list(objective._modules) == modules
    assert type(objective.spec.terms[0].reversal).__name__ == "ParityReversal"
    assert all(torch.equal(tensor, before[name]) for name, tensor in objective.state_dict().items())
    assert all(p.grad is None for p in objective.parameters())
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("rate", ["0.0", "1.0"])
@pytest.mark.parametrize("gamma", ["0.0", "1.0"])
def test_steps_without_a_term_are_sensible(tmp_path, rate, gamma):
    """All pairs dropped, no next-token loss, or both: then there is nothing to learn, and no error."""
    options = [f"objective.filters.1.rate={rate}", f"objective.gamma_ntp={gamma}", "training.max_steps=2"]
    assert run_tiny(tmp_path / "run", *options).state == "trained"


def test_a_predictor_with_a_condition_is_watched_too():
    small = ["data.relation_pairs=1", "data.entities_both_ways=200", "data.entities_one_way=20"]
    made = jepa_core.build(jepa_core.load_recipe("relational", overrides=small))
    watched_step(made)
    made.objective.predictor.forward = lambda state, condition: condition[:, :3]
    with pytest.raises(RecipeError, match=r"'relational' breaks its contract: it returns \(\d+, 3\), not \(\d+, 128\)"):
        watched_step(made)
