from __future__ import annotations

import pytest

from jepa_core.assembly.build import build
from jepa_core.launch.run import run as run_recipe
from jepa_core.recipe.load import load_recipe
from jepa_core.study.flops import micro_batch_flops, step_flops
from tests.core.study.specimen import write_study

WIDTH = 16


def forward(rows: int, tokens: int, read: int, labels: int, vocabulary: int = 35) -> int:
    """One layer over `rows` of `tokens` each; its MLP at those that are read, the head at labelled ones."""
    projections = 2 * rows * tokens * WIDTH * (3 * WIDTH + WIDTH)
    attention = 2 * 2 * rows * tokens * tokens * WIDTH
    mlp = 2 * 2 * read * WIDTH * 4 * WIDTH
    return projections + attention + mlp + 2 * labels * WIDTH * vocabulary


@pytest.mark.parametrize("batch", [8, 3])
def test_next_token_prediction_by_hand(registry, batch):
    """Samples of four tokens, one label each. The backward pass costs twice the forward pass."""
    write_study()
    only = ["objective.lambda_jepa=0", "objective.k=0", f"training.per_device_train_batch_size={batch}"]
    recipe = load_recipe("recipes/tiny.yaml", only, registry)
    assert step_flops(recipe, registry) == 3 * forward(batch, 4, batch, batch)


def test_second_views_by_hand(registry):
    """A fact has five tokens with k = 1, and its pair four more; the MLP runs at the label and at both last tokens."""
    write_study()
    nearly_all = ["objective.layout=packed", "data.entities_both_ways=200", "data.entities_one_way=2"]
    run = build(load_recipe("recipes/tiny.yaml", nearly_all, registry), registry, "cpu")
    packed = forward(rows=8, tokens=9, read=3 * 8, labels=8, vocabulary=run.vocabulary.size)
    assert micro_batch_flops(run) == 3 * packed, "the cosine is no matrix product"


def test_a_step_is_all_its_micro_batches(registry):
    write_study()
    recipes = [
        load_recipe("recipes/tiny.yaml", [f"training.gradient_accumulation_steps={n}"], registry) for n in (1, 4)
    ]
    one, four = (step_flops(recipe, registry) for recipe in recipes)
    assert four == 4 * one


def test_a_rehearsal_costs_what_both_its_halves_did(registry):
    """Four steps of learning and two of rehearsing, by next-token prediction in all layers."""
    overrides = [
        *(
            f"data.{key}"
            for key in ("entities_both_ways=10", "entities_one_way=6", "relation_pairs=1", "name_multiplicity=null")
        ),
        *("model.config.n_embd=16", "training.max_steps=4", "training.warmup_steps=0", "evaluation.also=[]"),
        *("training.per_device_train_batch_size=8", "rehearsal.asker.cut={share: 0.5}", "output_dir=run"),
        *("rehearsal.training.max_steps=2", "rehearsal.training.warmup_steps=0"),
    ]
    recipe = load_recipe("rehearsal", overrides, registry)
    run_recipe(recipe, registry=registry, device="cpu")
    alone = load_recipe("rehearsal", [*overrides, "rehearsal=null"], registry)
    second = ["objective.gamma_ntp=1", "objective.lambda_jepa=0", "objective.ntp_detach=1"]
    rehearsed = load_recipe("rehearsal", [*overrides, "rehearsal=null", *second], registry)
    first, then = (step_flops(each, registry) for each in (alone, rehearsed))
    assert first != then
    assert step_flops(recipe, registry) == round((4 * first + 2 * then) / 6)
