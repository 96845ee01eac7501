from __future__ import annotations

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe.checks import check_components, check_plugins, check_schema, component_refs
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.schema import Recipe
from jepa_core.recipe.strict_yaml import parse_yaml

from .fakes import FakeRegistry, broken_plugin


def draft_of(text: str) -> Draft:
    return Draft(parse_yaml(text, "r.yaml"))


def problems(draft: Draft) -> list[str]:
    try:
        draft.raise_problems()
    except RecipeError as error:
        return str(error).split("\n")
    return []


def of_schema(text: str) -> list[str]:
    draft = draft_of(text)
    recipe = check_schema(draft)
    found = problems(draft)
    assert isinstance(recipe, Recipe) == (not found)
    return found


def of_components(text: str) -> list[str]:
    draft = draft_of(text)
    check_components(draft, FakeRegistry())
    return problems(draft)


def of_plugins(text: str, **registry) -> list[str]:
    draft = draft_of(text)
    check_plugins(draft, FakeRegistry(**registry))
    return problems(draft)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sead: 1", "sead: unknown key; did you mean 'seed'?"),
        ("objektive: {k: 1}", "objektive: unknown key; did you mean 'objective'?"),
        ("max_steps: 1", "max_steps: unknown key here; it belongs under 'training'"),
        ("training: {k: 1}", "training.k: unknown key here; it belongs under 'objective'"),
        (
            "source_path: x",
            "source_path: unknown key; known: description, seed, output_dir, plugins, data, model, "
            "objective, training, evaluation, rehearsal",
        ),
        ("training: {learning_rte: 1}", "training.learning_rte: unknown key; did you mean 'learning_rate'?"),
        (
            "training: {fp16: true}",
            "training.fp16: not for a recipe: use bf16: fp16 overflows without a loss scale and is not supported",
        ),
        (
            "training: {output_dir: x}",
            "training.output_dir: not for a recipe: set output_dir at the top of the recipe",
        ),
        (
            "objective: {embedding: {source: a, target: b, targt: c}}",
            "objective.embedding.targt: unknown key; did you mean 'target'?",
        ),
        ("objective: {embedding: {source: a}}", "objective.embedding.target: is missing"),
        ("objective: {filters: [{rate: 1}]}", "objective.filters.0.name: is missing"),
        (
            "objective: {filters: sample_type}",
            "objective.filters: expected a list, not the text 'sample_type'",
        ),
        ("objective:", "objective: expected a mapping, not null"),
        ("data: {name: 3}", "data.name: expected text, not the number 3"),
        ("data: 3", "data: expected the name of a component, or a mapping with its name and options"),
        ("seed: -1", "seed: expected a number at least 0, not -1"),
        ("seed: 1e3", "seed: expected a whole number, not the number 1000.0"),
        ("evaluation: {per_layer: yes}", "evaluation.per_layer: expected true or false, not the text 'yes'"),
        ("evaluation: {splits: []}", "evaluation.splits: must not be empty"),
        ("objective: {k: 0, distinct_pred: true}", "objective.distinct_pred: has no effect with k: 0"),
        (
            "model: {config: {model_type: gpt2}, pretrained: x}",
            "model.pretrained: give either config or pretrained, the other null",
        ),
    ],
)
def test_keys_and_values(text, words):
    assert of_schema(text) == [f"r.yaml:1: {words}"]


def test_a_conflict_shows_beside_wrong_values_of_its_section():
    text = "objective:\n  k: two\n  lambda_jepa: 0\n  gamma_ntp: 0\n  filters: [3]\n"
    assert [line.split(": ")[1] for line in of_schema(text)] == [
        "objective.k",
        "objective.lambda_jepa",
        "objective.filters.0",
    ]


def test_a_wrong_value_makes_no_conflict_of_its_own():
    assert of_schema("training: {num_train_epochs: 2, max_steps: x}") == [
        "r.yaml:1: training.max_steps: expected a whole number, not the text 'x'"
    ]


def test_a_recipe_without_mistakes():
    assert of_schema("seed: 1") == []
    assert of_components("seed: 1") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "objective: {distance: cosin}",
            "objective.distance: no distance is called 'cosin'; did you mean 'cosine'?",
        ),
        (
            "objective: {distance: {name: cosin}}",
            "objective.distance.name: no distance is called 'cosin'; did you mean 'cosine'?",
        ),
        (
            "objective: {distance: {name: cosine, epss: 1}}",
            "objective.distance.epss: unknown option of 'cosine' (from jepa-core); did you mean 'eps'?",
        ),
        (
            "objective: {distance: {name: cosine, eps: small}}",
            "objective.distance.eps: expected a number, not the text 'small'",
        ),
        (
            "objective: {reversal: table}",
            "objective.reversal.path: a required option of 'table' (from jepa-core) is missing",
        ),
        (
            "objective: {reversal: {name: table, path: x, context: 1}}",
            "objective.reversal.context: unknown option of 'table' (from jepa-core)",
        ),
        (
            "objective: {filters: [sample_type, {name: loss_dropout, level: stp}]}",
            "objective.filters.1.level: expected sample or step, not the text 'stp'; did you mean 'step'?",
        ),
        (
            "objective: {filters: [{name: sample_type, keep: [train, 1]}]}",
            "objective.filters.0.keep.1: expected text, not the number 1",
        ),
        (
            "objective: {embedding: {source: last_token, target: {name: last_token, layr: 1}}}",
            "objective.embedding.target.layr: unknown option of 'last_token' (from jepa-core); did you mean 'layer'?",
        ),
        (
            "data: {name: reversal_curse, pth: x}",
            "data.pth: unknown option of 'reversal_curse' (from jepa-core); did you mean 'path'?",
        ),
        ("data: facts", "data: no dataset is called 'facts'"),
        (
            "data: {name: reversal_curse, a.b: 1}",
            "data.a.b: unknown option of 'reversal_curse' (from jepa-core)",
        ),
    ],
)
def test_components(text, words):
    assert of_components(text) == [f"r.yaml:1: {words}"]


def test_both_sides_of_one_embedding_are_one_mistake():
    assert len(of_components("objective: {embedding: {name: last_token, layr: 1}}")) == 1


@pytest.mark.parametrize(
    "text", ["objective: 3", "objective: {distance: 3, filters: 3}", "data: {name: 3}", "data: []"]
)
def test_what_the_schema_refuses_is_left_to_it(text):
    assert of_components(text) == []


def test_defaults_are_checked_as_well(monkeypatch):
    monkeypatch.setattr(FakeRegistry, "names", lambda self, kind: [])
    refs = {path: ref for path, _, ref in component_refs({"objective": {"distance": "l2"}})}
    assert refs[("objective", "distance")] == "l2"
    assert refs[("objective", "filters", 0)] == "sample_type"
    assert refs[("data",)] == "reversal_curse"


def test_required_plugins():
    assert of_plugins("plugins: [jepa_core]") == [], "names of distributions are compared as pip does"
    assert of_plugins("plugins: [jepa-core, jepa-cor]") == [
        "r.yaml:1: plugins.1: the required plugin 'jepa-cor' is not installed; did you mean 'jepa-core'?"
    ]
    assert of_plugins("plugins: 3") == of_plugins("plugins: [3]") == []


def test_a_required_plugin_that_is_broken():
    broken = [broken_plugin("jepa-huber", "ImportError: no torch")]
    assert of_plugins("plugins: [jepa-huber]", broken=broken) == [
        "r.yaml:1: plugins.0: the plugin jepa-huber:huber is broken: ImportError: no torch; "
        "taken out here, the recipe does without it"
    ]
    assert of_plugins("plugins: []", broken=broken) == []
