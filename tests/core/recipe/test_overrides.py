from __future__ import annotations

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.overrides import apply_overrides
from jepa_core.recipe.strict_yaml import parse_yaml


def overridden(text: str, *overrides: str) -> dict:
    draft = Draft(parse_yaml(text, "r.yaml"))
    apply_overrides(draft, overrides)
    draft.raise_problems()
    return draft.data


def refused(text: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        overridden(text, *overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("2", 2),
        ("1e-3", 0.001),
        ("yes", "yes"),
        ("null", None),
        ("''", ""),
        ("[a, 1]", ["a", 1]),
        ("{name: cosine, eps: 1e-6}", {"name": "cosine", "eps": 1e-6}),
        ("a=b", "a=b"),
        ('"a: b"', "a: b"),
    ],
)
def test_values_are_read_like_the_file(value, data):
    assert overridden("seed: 1", f"output_dir={value}")["output_dir"] == data


def test_keys_that_are_there_and_that_are_not():
    assert overridden("objective: {k: 1}", "objective.k=2", "training.max_steps=5") == {
        "objective": {"k": 2},
        "training": {"max_steps": 5},
    }


def test_the_last_one_wins():
    assert overridden("seed: 1", "seed=2", "seed=3") == {"seed": 3}


@pytest.mark.parametrize("text", ["objective: {distance: l2}", "objective: {distance: {name: l2}}"])
def test_an_option_of_a_component_by_name(text):
    distance = overridden(text, "objective.distance.eps=1e-6")["objective"]["distance"]
    assert distance == {"name": "l2", "eps": 1e-6}


@pytest.mark.parametrize("text", ["seed: 1", "objective: {k: 1}", "objective: {distance: null}"])
def test_an_option_of_the_default_component(text):
    distance = overridden(text, "objective.distance.eps=1e-6")["objective"]["distance"]
    assert distance == {"name": "cosine", "eps": 1e-6}


def test_data_and_model_config():
    assert overridden("data: facts", "data.path=x")["data"] == {"name": "facts", "path": "x"}
    assert overridden("seed: 1", "data.path=x")["data"] == {"name": "reversal_curse", "path": "x"}
    config = overridden("seed: 1", "model.config.n_layer=4")["model"]["config"]
    assert config == {"model_type": "gpt2", "n_layer": 4, "n_embd": 128, "n_head": 4}


def test_items_of_a_list_by_number():
    text = "objective: {filters: [a, b, {name: c}]}"
    filters = overridden(text, "objective.filters.1.rate=0.5", "objective.filters.2.x=1", "objective.filters.0=d")
    assert filters["objective"]["filters"] == ["d", {"name": "b", "rate": 0.5}, {"name": "c", "x": 1}]


def test_items_of_the_default_list():
    filters = overridden("seed: 1", "objective.filters.1.rate=0.5")["objective"]["filters"]
    assert filters == ["sample_type", {"name": "loss_dropout", "rate": 0.5}]
    assert overridden("seed: 1", "seed=2") == {"seed": 2}, "the default itself has not changed"
    again = overridden("seed: 1", "objective.filters.1.level=step")["objective"]["filters"][1]
    assert again == {"name": "loss_dropout", "rate": 0.0, "level": "step"}


def test_one_side_of_the_embedding():
    embedding = overridden("seed: 1", "objective.embedding.target.layer=0")["objective"]["embedding"]
    assert embedding == {"source": "last_token", "target": {"name": "last_token", "layer": 0}}
    both = overridden("objective: {embedding: {name: x, layer: 1}}", "objective.embedding.source.layer=2")
    assert both["objective"]["embedding"] == {
        "source": {"name": "x", "layer": 2},
        "target": {"name": "x", "layer": 1},
    }
    whole = overridden("seed: 1", "objective.embedding.layer=0")["objective"]["embedding"]
    assert whole == {"name": "last_token", "layer": 0}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("objective.k", "objective.k: expected KEY=VALUE, like objective.k=2"),
        ("=2", "expected KEY=VALUE, like objective.k=2"),
        ("seed=", "seed: nothing after '='; write null, or '' for an empty text"),
        ("seed.x=1", "seed.x: 'seed' is the number 1, it has no keys"),
        (
            "objective.filters.2.x=1",
            "objective.filters.2.x: 'objective.filters' is a list: expected an item's number (0, 1), not '2'",
        ),
        (
            "objective.filters.-1=x",
            "objective.filters.-1: 'objective.filters' is a list: expected an item's number (0, 1), not '-1'",
        ),
        (
            "seed=[1",
            "seed: not valid YAML: expected ',' or ']', but got '<stream end>', while parsing a flow sequence",
        ),
        ("seed=!x 1", "seed: the tag '!x' is not allowed; write plain YAML"),
        ("seed={a: 1, a: 2}", "seed: given twice, first on line 1"),
        ("description.x=1", "description.x: 'description' is the text 'd', it has no keys"),
    ],
)
def test_overrides_that_make_no_sense(override, words):
    assert refused("seed: 1\ndescription: d\n", override) == f"command line: {words}"


def test_all_of_them_are_reported():
    assert len(refused("seed: 1", "a", "b", "seed.x=1").split("\n")) == 3
