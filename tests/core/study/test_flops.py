from __future__ import annotations

import pytest

from jepa_core.building import build
from jepa_core.recipe.load import load_recipe
from jepa_core.study.flops import micro_batch_flops, step_flops
from tests.core.study.specimen import write_study

WIDTH, VOCABULARY = 16, 35


def forward(rows: int, tokens: int, read: int, labels: int) -> int:
    """One layer over `rows` of `tokens` each; its MLP at those that are read, the head at labelled ones."""
    projections = 2 * rows * tokens * WIDTH * (3 * WIDTH + WIDTH)
    attention = 2 * 2 * rows * tokens * tokens * WIDTH
    mlp = 2 * 2 * read * WIDTH * 4 * WIDTH
    return projections + attention + mlp + 2 * labels * WIDTH * VOCABULARY


@pytest.mark.parametrize("batch", [8, 3])
def test_next_token_prediction_by_hand(registry, batch):
    """Facts of four tokens, one label each. The backward pass costs twice the forward pass."""
    write_study()
    only = ["objective.lambda_jepa=0", "objective.k=0", f"training.per_device_train_batch_size={batch}"]
    recipe = load_recipe("recipes/tiny.yaml", only, registry)
    assert step_flops(recipe, registry) == 3 * forward(batch, 4, batch, batch)


def test_second_views_by_hand(registry):
    """With k = 1 a fact has five tokens, its pair four more; the MLP runs at labels and at both last tokens."""
    write_study()
    every = ["objective.filters=[{name: sample_type, keep: [train, atomic]}]", "objective.layout=packed"]
    run = build(load_recipe("recipes/tiny.yaml", every, registry), registry, "cpu")
    packed = forward(rows=8, tokens=9, read=3 * 8, labels=8)
    cosine = micro_batch_flops(run) - 3 * packed
    assert cosine == 0, "products elementwise are not counted"


def test_a_step_is_all_its_micro_batches(registry):
    write_study()
    recipes = [
        load_recipe("recipes/tiny.yaml", [f"training.gradient_accumulation_steps={n}"], registry) for n in (1, 4)
    ]
    one, four = (step_flops(recipe, registry) for recipe in recipes)
    assert four == 4 * one
