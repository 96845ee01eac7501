from __future__ import annotations

import json

import pytest

from jepa_core.recipe.json_schema import recipe_schema
from jepa_core.recipe.sources import shipped_recipes
from jepa_core.recipe.strict_yaml import load_yaml, parse_yaml
from jepa_core.registry import Registry

from .fakes import FakeRegistry
from .schema_check import valid


@pytest.fixture(scope="module")
def schema() -> dict:
    return recipe_schema(FakeRegistry())


FULL = """
description: everything
seed: 1
output_dir: x
plugins: [jepa-core]
data: {name: reversal_curse, path: null, entities: 5}
model: {config: {model_type: gpt2, n_layer: 2}, dtype: bfloat16}
objective:
  k: 2
  lambda_jepa: 0
  target: {ema: 0.99}
  predictor: identity
  regularizers: [{name: spread, weight: 0.5}]
  terms: [{name: short, distance: l2, lambda_jepa: {start: 0, end: 1, steps: 5}}]
  reversal: {name: table, path: x}
  embedding: {source: last_token, target: {name: last_token, layer: 0}}
  distance: {name: cosine, eps: 1e-6}
  filters: [sample_type, {name: loss_dropout, level: step}]
training: {num_train_epochs: 1.5, max_steps: null, report_to: [tensorboard]}
evaluation: {splits: [train], also: [hardest]}
rehearsal: {asker: {name: unanswered, share: 0.5}, objective: {k: 0}, training: {max_steps: 5}}
resolved: {versions: {torch: '2'}}
"""


def test_recipes_fit(schema):
    assert valid(parse_yaml(FULL, "f").data, schema, schema)
    assert valid({}, schema, schema)


@pytest.mark.parametrize(
    "text",
    [
        "sead: 1",
        "seed: -1",
        "seed: '1'",
        "data: 3",
        "data: unknown",
        "data: {name: reversal_curse, pth: x}",
        "model: {dtype: float16}",
        "objective: {k: -1}",
        "objective: {distance: cosin}",
        "objective: {distance: {eps: 1}}",
        "objective: {distance: {name: cosine, eps: x}}",
        "objective: {reversal: table}",
        "objective: {embedding: {source: last_token}}",
        "objective: {filters: sample_type}",
        "objective: {predictor: cosine}",
        "objective: {regularizers: [{name: spread, wieght: 1}]}",
        "objective: {target: moving}",
        "objective: {target: {ema: 1}}",
        "objective: {terms: [{distance: l2}]}",
        "objective: {terms: [{name: Short}]}",
        "objective: {lambda_jepa: {start: 0, end: 1}}",
        "evaluation: {also: [cosine]}",
        "objective: {filters: [{name: loss_dropout, level: stp}]}",
        "training: {fp16: true}",
        "training: {adam_beta1: 1}",
        "evaluation: {splits: []}",
    ],
)
def test_mistakes_do_not_fit(schema, text):
    assert not valid(parse_yaml(text, "f").data, schema, schema)


def test_it_is_json_and_teaches(schema):
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"].endswith("2020-12/schema")
    for section in ("ObjectiveSection", "TrainingSection", "ModelSection", "EvaluationSection"):
        for name, key in schema["$defs"][section]["properties"].items():
            assert key["description"], name
            assert "title" not in key
    assert schema["$defs"]["ObjectiveSection"]["properties"]["distance"]["default"] == "cosine"


def test_shipped_recipes_fit_the_schema_of_what_is_installed():
    schema = recipe_schema(Registry.discover())
    assert len(shipped_recipes()) >= 1
    for path in shipped_recipes().values():
        assert valid(load_yaml(path).data, schema, schema), path
