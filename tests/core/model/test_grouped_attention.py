"""Attention by groups of rows against attention over the whole stream under its mask."""

from __future__ import annotations

import pytest
import torch

from jepa_core.model.grouped_attention import Group, GroupedAttention

HEADS, WIDTH = 4, 8


def states(tokens: int, key_heads: int = HEADS) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, heads, tokens, WIDTH) for heads in (HEADS, key_heads, key_heads)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


def expected(query, key, value, seen, scale, softcap):
    """Written out, ``1 n h d``. seen: ``n n`` bool."""
    key, value = (each.repeat_interleave(HEADS // each.shape[1], dim=1) for each in (key, value))
    scores = query @ key.transpose(-1, -2) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    return (torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1) @ value).transpose(1, 2)


#: Two rows of three tokens; rows of one and two tokens, padded; a branch of one token behind the first row's first two.
GROUPS = (
    Group(0, 6, 2, 3),
    Group(
        6,
        3,
        2,
        2,
        padded=torch.tensor([[0, 0], [1, 2]]),
        real=torch.tensor([0, 2, 3]),
        hidden=torch.tensor([[False, True], [False, False]]),
    ),
    Group(9, 1, 1, 1, keys=torch.tensor([[0, 1, 9, 0]]), hidden=torch.tensor([[False, False, False, True]])),
)
SEEN = torch.zeros(10, 10, dtype=torch.bool)
for query, keys in enumerate([[0], [0, 1], [0, 1, 2], [3], [3, 4], [3, 4, 5], [6], [7], [7, 8], [0, 1, 9]]):
    SEEN[query, keys] = True
MASKS = (None, None, torch.tensor([[[True, True, True, False]]]))


@pytest.mark.parametrize("softcap", [None, 0.7])
@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_values_and_gradients(key_heads, softcap):
    given = states(10, key_heads)
    attention = GroupedAttention(GROUPS, MASKS)
    ours = attention(*given, dropout=0.0, scale=0.3, softcap=softcap)
    theirs = expected(*given, SEEN, 0.3, softcap)
    assert ours.shape == (1, 10, HEADS, WIDTH)
    torch.testing.assert_close(ours, theirs)
    direction = torch.arange(ours.numel(), dtype=torch.float64).view(ours.shape).sin()
    gradients = [torch.autograd.grad((out * direction).sum(), given) for out in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_one_group_alone():
    given = states(6)
    ours = GroupedAttention(GROUPS[:1], (None,))(*given, dropout=0.0, scale=0.3, softcap=None)
    torch.testing.assert_close(ours, expected(*given, SEEN[:6, :6], 0.3, None))


@pytest.mark.parametrize("softcap", [None, 0.7])
def test_dropout_takes_weights_away(softcap):
    given, attention = states(10), GroupedAttention(GROUPS, MASKS)
    whole, nothing = (attention(*given, dropout=p, scale=0.3, softcap=softcap) for p in (0.0, 1.0))
    assert whole.abs().min() > 0
    assert nothing.abs().max() == 0


def test_which_token_a_query_is():
    assert [group.queries().tolist() for group in GROUPS] == [[[0, 1, 2], [3, 4, 5]], [[6, 6], [7, 8]], [[9]]]
