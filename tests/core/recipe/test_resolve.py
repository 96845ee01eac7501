from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jepa_core.recipe.resolve import differences, dump_yaml, resolved
from jepa_core.recipe.strict_yaml import parse_yaml

RECIPE = """
objective:
  k: 2
  reversal: {name: table, path: x}
  embedding: {source: last_token, target: {name: last_token, layer: 0}}
  distance: l2
training: {learning_rate: 1e-5}
"""


def test_every_default_is_filled_in(load, registry):
    data = resolved(load("seed: 7"), registry)
    assert data["seed"] == 7
    assert data["data"] == {"name": "reversal_curse", "path": None, "entities": 100}
    assert data["objective"]["mask"] == "block_causal"
    assert data["objective"]["distance"] == {"name": "cosine", "eps": 1e-8}
    assert data["objective"]["embedding"] == {"name": "last_token", "layer": -1}
    assert data["objective"]["filters"] == [
        {"name": "sample_type", "keep": ["train"]},
        {"name": "loss_dropout", "rate": 0.0, "level": "sample"},
    ]
    assert data["training"]["max_steps"] == 1000
    assert data["output_dir"] == "runs/r"


def test_a_run_from_before_models_were_split_goes_on(load, registry):
    assert not {"fsdp", "fsdp_config"} & resolved(load("seed: 7"), registry)["training"].keys()
    split = resolved(load("training: {fsdp: true}"), registry)["training"]
    assert split["fsdp_config"] == {"version": 2, "reshard_after_forward": True}


@pytest.mark.parametrize("text", ["seed: 7", RECIPE, "training: {num_train_epochs: 2}", "model: {pretrained: x}"])
def test_a_resolved_recipe_runs_again_and_means_the_same(load, registry, text):
    data = resolved(load(text), registry)
    written = dump_yaml({**data, "resolved": {"versions": {"torch": "2.13"}}})
    assert resolved(load(written), registry) == data


def test_sides_that_differ_stay_apart(load, registry):
    assert resolved(load(RECIPE), registry)["objective"]["embedding"] == {
        "source": {"name": "last_token", "layer": -1},
        "target": {"name": "last_token", "layer": 0},
    }


def test_the_order_is_that_of_the_sections(load, registry):
    text = dump_yaml(resolved(load("training: {max_steps: 5}\nseed: 1"), registry))
    tops = [line.split(":")[0] for line in text.splitlines() if line[0] not in " -"]
    assert tops[:5] == ["description", "seed", "output_dir", "plugins", "data"]
    assert tops[5:] == ["model", "objective", "training", "evaluation"]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"], exclude_characters="\ufeff"), max_size=12)
VALUES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | TEXTS
DATA = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXTS, DATA, max_size=3))
@example({"1e-3": "1e-3", "0o17": "0o17", "yes": "yes", "<<": "=", "~": "null", "a": "0x1F", "b": ".5", "c": "1."})
@example({"a": "line\nline: [", "b": " x ", "c": "#", "d": "\u2028"})
def test_the_strict_reader_and_pyyaml_read_a_dump_alike(data):
    text = dump_yaml(data)
    assert parse_yaml(text, "f").data == data
    assert yaml.safe_load(text) == data


def test_a_dump_repeats_values_instead_of_naming_them():
    shared = ["x"]
    assert dump_yaml({"a": shared, "b": shared}) == "a:\n- x\nb:\n- x\n"


@pytest.mark.parametrize(
    ("a", "b", "keys"),
    [
        ({"k": 1}, {"k": 1}, []),
        ({"k": 1}, {"k": 2}, ["k"]),
        ({"k": 1}, {"k": 1.0}, []),
        ({"k": 1}, {"k": True}, ["k"]),
        ({"o": {"k": 1, "l": 2}}, {"o": {"k": 1, "l": 3}}, ["o.l"]),
        ({"o": {"k": 1}}, {"o": {}}, ["o.k"]),
        ({"o": {}}, {"o": {"k": None}}, ["o.k"]),
        ({"f": ["a", {"r": 1}]}, {"f": ["a", {"r": 2}]}, ["f.1.r"]),
        ({"f": ["a"]}, {"f": ["a", "b"]}, ["f"]),
        ({"d": "l2"}, {"d": {"name": "l2"}}, ["d"]),
        ({"description": "x", "output_dir": "a", "resolved": 1}, {"description": "y", "output_dir": "b"}, []),
        ({"data": {"description": 1}}, {"data": {"description": 2}}, ["data.description"]),
    ],
)
def test_differences_between_experiments(a, b, keys):
    assert differences(a, b) == keys


def test_differences_of_an_override(load, registry):
    one, two = load(RECIPE), load(RECIPE, "training.max_steps=5", "output_dir=elsewhere")
    assert differences(resolved(one, registry), resolved(two, registry)) == ["training.max_steps"]
    assert Path("r.yaml").exists()
