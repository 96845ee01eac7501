"""Masks of calls: none where rows are causal, else what the builder says."""

from __future__ import annotations

import torch

from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import one_block_a_row, side_by_side
from jepa_core.objective.attention_mask import Masks
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from tests.core.objective.test_arrangement import block
from tests.families import a_model
from tests.support import small_model

BLOCKS = [block([3, 2], [0, 1], 1), block([2], [1], 100)]


def masks(builder, placeless=False, model=None):
    return Masks(builder, Transformer(model or small_model()), placeless)


def test_rows_need_none():
    (call,) = one_block_a_row(BLOCKS, float("inf")).calls
    assert masks(BlockCausalMask())(call) is None
    explicit = masks(BlockCausalMask(), placeless=True)(call)
    assert torch.equal(explicit[0, 0] == 0, torch.ones(3, 3).tril().bool())


def test_side_by_side():
    """Three tokens and nothing; two, padding, and two more of the second sample."""
    (call,) = side_by_side(BLOCKS).calls
    seen = masks(BlockCausalMask())(call) == 0
    assert seen.shape == (2, 1, 5, 5)
    assert seen[1, 0].tolist() == [
        [True, False, False, False, False],
        [True, True, False, False, False],
        [True, True, True, False, False],
        [False, False, False, True, False],
        [False, False, False, True, True],
    ]


def test_how_many_a_row_has():
    windows = a_model("gemma3_text", sliding_window=4, layer_types=["sliding_attention", "full_attention"])
    found = [
        masks(BlockCausalMask()).layers,
        masks(ConceptIsolatingMask(1, 2)).layers,
        masks(BlockCausalMask(), model=windows).layers,
    ]
    assert found == [1, 2, 2]
