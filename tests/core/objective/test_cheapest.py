"""Choosing a layout by the work that is counted, and another one where a mask would be too large."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Block
from jepa_core.objective.cheapest import Cheapest, call_cost
from jepa_core.objective.layouts import MANY, MOST, choose
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from tests.families import a_model
from tests.support import small_model


def rows(lengths: list[int], samples: list[int] | None = None, prefix: list[int] | None = None) -> Block:
    columns = torch.arange(max(lengths)).expand(len(lengths), -1)
    real = (columns < torch.tensor(lengths)[:, None]).long()
    sample = torch.tensor(samples or range(len(lengths)))
    return Block(real, real, columns * real, sample, None if prefix is None else torch.tensor(prefix))


def test_a_call_costs_what_was_measured():
    assert [round(call_cost(width)) for width in (128, 384, 768)] == [181, 51, 39]


def cheapest(width: int = 96, kind: str = "gpt2") -> Cheapest:
    model = small_model(kind, **({"n_embd": width} if kind == "gpt2" else {}))
    return choose("auto", BlockCausalMask(), "restart", Transformer(model)).arrange


def test_costs_by_hand():
    """Width 96. Two samples of 3 and 9 tokens, and a second row of 2 of the first: packed 2 rows of 11, a stream of 14;
    in rows one call of three rows of 9, since a second one costs more than the padding."""
    found = cheapest().costs([rows([3, 9]), rows([2], [0])])
    call = 35 + 2.4e6 / 96**2
    assert found["packed"] == pytest.approx(call + 2 * 11 * (1 + 11 / (6 * 96)))
    assert found["rows"] == pytest.approx(call + 3 * 9 * (1 + 9 / (12 * 96)))
    squares = 3**2 + 9**2 + 2**2
    assert found["flat"] == pytest.approx(call + 14 + squares / (12 * 96) + 14 * 8 / 96)


def test_a_branch_shares_its_sample_s_row():
    """Rows of 3 + 2 and 9 tokens, so two of 9 under a mask; the new block of 4 is alone."""
    found = cheapest().costs([rows([3, 9]), rows([2], [0], [2]), rows([4], [1])])
    call = 35 + 2.4e6 / 96**2
    assert found["rows"] == pytest.approx(2 * call + 2 * 9 * (1 + 9 / (6 * 96)) + 4 * (1 + 4 / (12 * 96)))


@pytest.mark.parametrize(
    ("blocks", "shape"),
    [
        ([rows([6] * 40), rows([6] * 40)], (80, 6)),  # nothing is padded in rows
        ([rows([6] * 40), rows([30] * 20, list(range(20)))], (1, 840)),  # rows would be padded, or two calls
        ([rows([20] * 40), rows([1] * 40)], (40, 21)),  # side by side nothing is padded either, and in one call
    ],
)
def test_the_least_is_taken(blocks, shape):
    (call,) = cheapest()(blocks).calls
    assert tuple(call.ids.shape) == shape


def test_models_that_can_do_less():
    """GPT-OSS asks for more of its attention, Mamba takes no mask: rows are left."""
    builder = BlockCausalMask()
    ways = {
        kind: set(choose("auto", builder, "restart", Transformer(a_model(kind))).arrange.ways)
        for kind in ("gpt_oss", "mamba", "gemma2")
    }
    assert ways == {"gpt_oss": {"rows", "packed"}, "mamba": {"rows"}, "gemma2": {"rows", "packed", "flat"}}


def long(tokens: int, samples: int) -> list[Block]:
    return [rows([tokens] * samples), rows([1] * samples)]


def test_a_mask_that_is_too_large_is_a_stream_instead():
    """Elements are rows × layers × tokens²: 64 × 1 × 2,048² = 2^28 is still a mask."""
    unusual = BlockCausalMask()
    unusual.plain_block_causal = False
    transformer = Transformer(small_model())
    packed = choose("auto", unusual, "restart", transformer)
    assert MANY == 64 * 2048**2
    for tokens, shape in ((2047, (64, 2048)), (2048, (1, 64 * 2049))):
        assert tuple(packed.arrange(long(tokens, 64)).calls[0].ids.shape) == shape
    by_layer = choose("auto", ConceptIsolatingMask(1, 2), "restart", transformer)
    for tokens, shape in ((2047, (32, 2048)), (2048, (1, 32 * 2049))):
        assert tuple(by_layer.arrange(long(tokens, 32)).calls[0].ids.shape) == shape


def test_elements_are_what_a_mask_has():
    layout = choose("packed", ConceptIsolatingMask(1, 2), "restart", Transformer(small_model()))
    call = layout.arrange(long(7, 3)).calls[0]
    assert layout.mask(call).numel() == 3 * 2 * 8**2


def test_far_too_large_is_refused_in_one_line():
    """8 × 16,384² = 2^31 is the most."""
    assert MOST == 8 * 16_384**2
    packed = choose("packed", BlockCausalMask(), "restart", Transformer(small_model()))
    with pytest.raises(ComponentError, match=r"8 rows of 16,385 tokens would have 2,147,745,800 numbers \(1 a row\)"):
        packed.arrange(long(16_384, 8))
    branch = rows([1] * 8, prefix=[3] * 8)
    with_branch = choose("rows", BlockCausalMask(), "restart", Transformer(small_model()))
    with pytest.raises(ComponentError, match="use layout: flat or auto"):
        with_branch.arrange([rows([16_384] * 8), branch])
