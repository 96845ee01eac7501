from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.recipe.schema import SECTIONS, Recipe


def recipe(**sections) -> Recipe:
    return Recipe.model_validate(sections)


def test_the_defaults_are_the_reference_composition():
    default = recipe()
    objective = default.objective
    assert (default.seed, objective.k, objective.lambda_jepa, objective.gamma_ntp) == (42, 1, 1.0, 1.0)
    assert (objective.positions, objective.target, objective.layout) == ("continue", "same", "auto")
    assert not objective.distinct_pred
    assert [(key, kind, ref.model_dump()) for key, kind, ref in default.components()] == [
        ("data", "dataset", "reversal_curse"),
        ("objective.mask", "mask", "block_causal"),
        ("objective.reversal", "reversal", "parity"),
        ("objective.predictor", "predictor", "identity"),
        ("objective.distance", "distance", "cosine"),
        ("objective.embedding", "embedding", "last_token"),
        ("objective.filters.0", "filter", "sample_type"),
        ("objective.filters.1", "filter", {"name": "loss_dropout", "rate": 0.0}),
    ]
    assert default.model.config == {"model_type": "gpt2", "n_layer": 2, "n_embd": 128, "n_head": 4}
    assert default.training.max_steps == 1000
    assert (default.evaluation.splits, default.evaluation.also) == (None, ())


def test_sides_that_differ_are_two_components():
    sides = {"source": "last_token", "target": {"name": "last_token", "layer": 0}}
    found = {key: ref for key, _, ref in recipe(objective={"embedding": sides}).components()}
    assert found["objective.embedding.source"] == ComponentRef(name="last_token")
    assert found["objective.embedding.target"] == ComponentRef(name="last_token", layer=0)


def test_no_filter_at_all_can_be_asked_for():
    assert recipe(objective={"filters": []}).objective.filters == ()


def test_a_pretrained_model_has_no_config():
    model = recipe(model={"pretrained": "folder"}).model
    assert (model.config, model.pretrained) == (None, "folder")


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("objective", {"k": 0, "distinct_pred": True}, "distinct_pred: has no effect with k: 0"),
        ("objective", {"lambda_jepa": 0, "gamma_ntp": 0}, "both 0: nothing to train"),
        ("model", {"config": {"model_type": "gpt2"}, "pretrained": "x"}, "either config or pretrained"),
        ("evaluation", {"splits": ["train", "train"]}, "names a split twice"),
    ],
)
def test_keys_that_do_not_go_together(section, values, words):
    with pytest.raises(ValidationError, match=words):
        recipe(**{section: values})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("objective", {"k": -1}),
        ("objective", {"lambda_jepa": -0.1}),
        ("objective", {"gamma_ntp": float("inf")}),
        ("objective", {"positions": "begin"}),
        ("objective", {"stop_gradient": "none"}),
        ("objective", {"target": None}),
        ("objective", {"target": {"ema": 1.0}}),
        ("objective", {"target": {"ema": -0.1}}),
        ("objective", {"target": {"decay": 0.9}}),
        ("objective", {"terms": [{"lambda_jepa": 1.0}]}),
        ("objective", {"terms": [{"name": "Short"}]}),
        ("objective", {"lambda_jepa": {"start": 0.0, "end": 1.0, "steps": 0}}),
        ("model", {"dtype": "float16"}),
        ("model", {"attn_implementation": "flash_attention_2"}),
        ("model", {"pretrained": ""}),
        ("evaluation", {"splits": []}),
        ("evaluation", {"splits": "train"}),
        ("evaluation", {"batch_size": 0}),
    ],
)
def test_values_out_of_range(section, values):
    with pytest.raises(ValidationError):
        recipe(**{section: values})


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True])
def test_seeds_that_torch_or_numpy_would_refuse(seed):
    with pytest.raises(ValidationError):
        recipe(seed=seed)


def test_a_dump_reads_back_as_the_same_recipe():
    one = recipe(objective={"k": 2, "distance": {"name": "cosine", "eps": 1e-6}}, model={"pretrained": "x"})
    assert Recipe.model_validate(one.model_dump()) == one
    assert "source_path" not in one.model_dump()


def test_every_key_teaches():
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"
            assert len(field.description) > 8, name


def test_the_schema_imports_neither_torch_nor_transformers():
    heavy = "any(m in sys.modules for m in ('torch', 'transformers'))"
    code = f"import sys, jepa_core.recipe.schema; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
