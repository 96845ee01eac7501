"""The way from a recipe to the spec of its objective."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import jepa_core
from jepa_core.assembly.assemble import assemble, load_data, target_of, weight_of
from jepa_core.errors import JepaError, RecipeError
from jepa_core.objective.schedule import Schedule
from jepa_core.objective.spec import Ema
from jepa_core.recipe.objective_section import EmaTarget, WeightSchedule
from jepa_core.registry import Registry
from tests.plugins.text.pairs_recipe import pairs_recipe
from tests.tiny_runs import REGISTRY, tiny


def made(*overrides: str):
    recipe = tiny(Path("run"), *overrides)
    return assemble(recipe, load_data(recipe, REGISTRY), REGISTRY)


SMALL = (
    "data.name_multiplicity=5",
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "model.config={model_type: gpt2, n_embd: 12}",
)
TERMS = (
    "objective.terms=[{name: other, lambda_jepa: 0.25, distance: l2, filters: [sample_type]}, "
    "{name: third, lambda_jepa: {start: 0.0, end: 2.0, steps: 10, shape: cosine}, "
    "embedding: {source: last_token, target: {name: last_token, layer: 0}}, regularizers: [sigreg]}]"
)


def test_what_a_further_term_leaves_out_is_as_in_the_first():
    first, other, third = made(TERMS, "objective.distance=mse", "objective.predictor=linear").spec.terms
    assert [term.name for term in (first, other, third)] == ["jepa", "other", "third"]
    kinds = [type(term.distance).__name__ for term in (first, other, third)]
    assert kinds == ["MseDistance", "L2Distance", "MseDistance"]
    assert [len(term.filters) for term in (first, other, third)] == [2, 1, 2]
    assert [type(term.predictor).__name__ for term in (first, other, third)] == ["LinearPredictor"] * 3
    assert len({id(term.predictor) for term in (first, other, third)}) == 3, "each has parameters of its own"
    assert (first.weight, other.weight, third.weight) == (1.0, 0.25, Schedule(0.0, 2.0, 10, "cosine"))
    assert (third.source.layer, third.target.layer) == (-1, 0)
    assert [len(term.regularizers) for term in (first, other, third)] == [0, 0, 1]
    assert first.source is first.target, "named once, it is one for both sides"


def test_settings_of_the_whole():
    spec = made("objective.k=3", "objective.distinct_pred=true", "objective.target={ema: 0.5}", "seed=7").spec
    assert len(set(spec.pred_ids)) == 3
    groups = ("train", "atomic", "test", "rehearsed", "added")
    assert (spec.target, spec.seed, spec.groups) == (Ema(0.5), 7, groups)
    assert spec.candidates is None, "nobody asks for them"
    repeated = made("objective.k=3").spec.pred_ids
    assert (len(repeated), len(set(repeated))) == (3, 1)
    bank = made("objective.distance={name: infonce, negatives: bank}", "objective.k=0").spec
    assert len(bank.candidates) == 30


def test_targets_and_weights_as_recipes_write_them():
    assert [target_of(setting) for setting in ("same", "stopped", "frozen")] == ["same", "stopped", "frozen"]
    assert target_of(EmaTarget(ema=0.99)) == Ema(0.99)
    assert weight_of(0.5) == 0.5
    assert weight_of(WeightSchedule(start=1.0, end=0.0, steps=5)) == Schedule(1.0, 0.0, 5, "linear")


def test_the_same_recipe_gives_the_same_weights():
    one, other = (made("objective.predictor=mlp").state_dict() for _ in range(2))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_a_component_refuses_is_told_with_its_key():
    with pytest.raises(
        RecipeError, match=r"objective\.embedding\.tag: the dataset has no tag 'haed'; did you mean 'head'"
    ):
        made("objective.embedding={name: last_token, tag: haed}")
    with pytest.raises(RecipeError, match=r"objective\.terms\.0\.filters\.0\.keep: the dataset has no group 'tran'"):
        made("objective.terms=[{name: other, filters: [{name: sample_type, keep: [tran]}]}]")


@pytest.mark.parametrize(
    ("leaks_on", "words"),
    [
        ("('atomc',)", r"leaks_on 'atomc', which is no group of the data \(train, .*\); did you mean 'atomic'"),
        ("('atomic', 'held')", "leaks_on 'held', which is no group of the data"),
        ("('atomic')", "breaks its contract: leaks_on = 'atomic': must be a tuple of names"),
        ("('atomic', 'test')", ""),
        ("()", ""),
    ],
)
def test_a_strategy_that_leaks_on_a_group_that_there_is_not_is_refused(tmp_path, leaks_on, words):
    """Nothing would be kept from giving its answers away."""
    (tmp_path / "mine.py").write_text(
        "import jepa_core\nfrom jepa_core import Part, Views\n\n"
        f"class Mine:\n    leaks_on = {leaks_on}\n    def __call__(self, samples): return Views(())\n\n"
        "@jepa_core.hookimpl\ndef jepa_reversal_strategies():\n    return {'mine': lambda context: Mine()}\n"
    )
    registry = Registry.discover()
    registry.add_file(tmp_path / "mine.py")
    recipe = jepa_core.load_recipe("cosine_k1", ["objective.reversal=mine", *SMALL], registry)
    data = load_data(recipe, registry)
    if words:
        with pytest.raises(RecipeError, match=rf"objective\.reversal: 'mine' {words}"):
            assemble(recipe, data, registry)
    else:
        assemble(recipe, data, registry)


def test_a_dataset_that_gives_something_else_is_named(tmp_path):
    (tmp_path / "odd.py").write_text(
        "import jepa_core\n\n@jepa_core.hookimpl\ndef jepa_datasets():\n    return {'odd': lambda context: [1]}\n"
    )
    registry = Registry.discover()
    registry.add_file(tmp_path / "odd.py")
    recipe = jepa_core.load_recipe("cosine_k1", ["data=odd"], registry)
    with pytest.raises(RecipeError, match="'odd' breaks its contract: it returns list, not TaskData"):
        load_data(recipe, registry)


class TestWithoutJepaLoss:
    """The default strategy is one of facts; over other data it is in nobody's way where nothing asks for views."""

    def test_any_data_will_do(self, tmp_path):
        recipe = pairs_recipe(tmp_path, "objective={k: 0, lambda_jepa: 0}")
        run = jepa_core.build(recipe, REGISTRY, "cpu")
        plan = run.objective.train().plan(run.train_dataset.__getitems__([0, 1]))
        assert (len(plan.blocks), plan.jepa_pairs) == (1, 0)

    @pytest.mark.parametrize(
        "objective",
        [
            "{k: 0, lambda_jepa: 0.1}",
            "{k: 0, lambda_jepa: 0, terms: [{name: more}]}",
            "{k: 0, lambda_jepa: {start: 0, end: 1, steps: 2}}",
            "{k: 0, lambda_jepa: 0, reversal: lookup}",
        ],
    )
    def test_what_asks_for_views_or_names_a_strategy_is_refused_as_ever(self, tmp_path, objective):
        with pytest.raises(JepaError, match="not a vocabulary of facts"):
            jepa_core.build(pairs_recipe(tmp_path, f"objective={objective}"), REGISTRY, "cpu")

    def test_over_facts_it_is_made(self):
        assert type(made("objective.lambda_jepa=0").spec.terms[0].reversal).__name__ == "ParityReversal"


def test_a_component_that_does_not_fit_the_data_is_told_with_its_line(tmp_path):
    """A reversal of facts for conversations."""
    (tmp_path / "p.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    overrides = [f"data.train={tmp_path / 'p.jsonl'}", "data.evaluation={}", "objective.reversal=parity"]
    recipe = jepa_core.load_recipe("regex_jepa", overrides)
    with pytest.raises(
        RecipeError, match=r"command line: objective.reversal: 'parity' refuses: not a vocabulary of facts"
    ):
        jepa_core.build(recipe)
