"""A mask that does not arrive at the layers."""

from __future__ import annotations

import torch

from jepa_core.verify.checks.mask import received_masks
from tests.core.verify.breaking import Unusual, red, tiny

CELLS = ("one forward pass", "mask cells that a layer gets otherwise")
LEAK = ("one forward pass", "change block 0: block 1 stays")


def forget(module, args, kwargs):
    return args, {**kwargs, "attention_mask": None}


def test_a_model_that_drops_the_mask():
    def drop(model):
        model.base_model.register_forward_pre_hook(forget, with_kwargs=True)

    assert red(tiny(model=drop, mask=Unusual())) == {CELLS, LEAK}


def test_a_layer_that_ignores_the_mask_it_is_given():
    """All layers are given the right mask; only tokens that move show that one does not use it."""

    def drop(model):
        model.base_model.h[1].attn.register_forward_pre_hook(forget, with_kwargs=True)

    assert red(tiny(model=drop, mask=Unusual())) == {LEAK}


def test_masks_by_layer_as_each_layer_gets_them():
    class EarlierInFirst(Unusual):
        """Layer 0 sees all of its block, layer 1 only itself."""

        by_layer = True

        def __call__(self, query, key, layer):
            return (query.block == key.block) & (torch.tensor(layer == 0) | (query.position == key.position))

    context = tiny(mask=EarlierInFirst())
    context.objective.eval()
    first, second = received_masks(context.objective, context.objective.plan(context.few))
    assert second.sum() == len(second) * second.shape[-1]
    assert first[0].sum() == 5 * 6 / 2 + 4 * 5 / 2
    assert red(context) == set()


def test_without_any_mask_there_is_none():
    context = tiny("objective.layout=rows")
    context.objective.eval()
    assert received_masks(context.objective, context.objective.plan(context.few)) == [None, None]


def test_a_kind_that_hands_its_layers_what_is_not_seen():
    context = tiny(
        "model={config: {model_type: mpt, d_model: 32, n_heads: 4, n_layers: 2}, attn_implementation: eager}"
    )
    assert red(context) == set()


def test_windows_narrow_what_a_layer_gets():
    sizes = "hidden_size: 32, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 4"
    window = "num_key_value_heads: 2, head_dim: 8, sliding_window: 3, layer_types: [sliding_attention, full_attention]"
    context = tiny(f"model.config={{model_type: gemma3_text, {sizes}, {window}}}", mask=Unusual())
    context.objective.eval()
    first, second = received_masks(context.objective, context.objective.plan(context.few))
    assert first.sum() < second.sum()
    assert red(context) == set()
