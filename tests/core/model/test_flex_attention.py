"""FlexAttention as it can be tried on a CPU: forward, unfused. What runs on a GPU is in ``scripts/gpu_check.sh``."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

from jepa_core.errors import ComponentError
from jepa_core.model.flex_attention import TILE, FlexAttention, block_mask
from tests.core.model.test_grouped_attention import HEADS, WIDTH, expected

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")

LENGTHS = torch.tensor([100, 7, 180, 60, 300])
ROW = torch.arange(len(LENGTHS)).repeat_interleave(LENGTHS)
TOKENS = len(ROW)


def sees(query, key):
    return (ROW[query] == ROW[key]) & (key <= query)


def mask():
    begins = torch.cat([torch.zeros(1, dtype=torch.int64), LENGTHS.cumsum(0)[:-1]])
    return block_mask(begins[ROW][::TILE] // TILE, TOKENS, sees)


def test_its_tiles_are_those_that_torch_finds_by_looking_at_every_pair():
    theirs = create_block_mask(lambda b, h, q, k: sees(q, k), None, None, TOKENS, TOKENS, device="cpu")
    assert torch.equal(mask().to_dense(), theirs.to_dense())


def test_its_numbers_grow_with_the_tokens():
    """A tile has 16,384 pairs, and the mask one number each way."""
    ours = mask()
    numbers = sum(value.numel() for value in (ours.kv_indices, ours.q_indices))
    assert numbers == 2 * (-(-TOKENS // TILE)) ** 2


@pytest.mark.parametrize("softcap", [None, 0.7])
@pytest.mark.parametrize("key_heads", [2, 4])
@torch.no_grad()
def test_values(key_heads, softcap):
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(1, heads, TOKENS, WIDTH, generator=generator) for heads in (HEADS, key_heads, key_heads)]
    tokens = torch.arange(TOKENS)
    ours = FlexAttention(mask())(*given, dropout=0.0, scale=0.3, softcap=softcap)
    theirs = expected(*given, sees(tokens[:, None], tokens), 0.3, softcap)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_dropout_is_refused():
    given = torch.zeros(1, HEADS, TOKENS, WIDTH)
    with pytest.raises(ComponentError, match=r"can't drop attention weights out \(the model: 0.1\)"):
        FlexAttention(mask())(given, given, given, dropout=0.1, scale=0.3, softcap=None)


def test_no_gradient_is_quietly_wrong():
    """Old versions of torch have the right one on a CPU; newer ones have none and say so."""
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(1, HEADS, TOKENS, WIDTH, generator=generator, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    tokens = torch.arange(TOKENS)
    expected(theirs, theirs, theirs, sees(tokens[:, None], tokens), 0.3, None).square().sum().backward()
    try:
        FlexAttention(mask())(ours, ours, ours, dropout=0.0, scale=0.3, softcap=None).square().sum().backward()
    except NotImplementedError as error:
        assert "does not support backward on CPU" in str(error)
    else:
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4)
