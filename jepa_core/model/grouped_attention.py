"""Attention within a stream as ordinary attention, with rows of like length in one call. It runs on any device, and
needs no mask where rows are causal.

Axes: ``n`` tokens of the stream, ``p`` those of a group; ``g`` rows of a group, ``q`` and ``k`` their queries and keys;
``h`` heads, ``d`` width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import dropout as drop
from torch.nn.functional import scaled_dot_product_attention

from jepa_core.samples.movable import Movable


@dataclass(frozen=True)
class Group(Movable):
    """Rows whose tokens follow one another in the stream, and that attend in one call.

    start: number of its first token; tokens, rows: how many it has; width: tokens of the longest row. Where rows differ
    in length: padded, ``g q``, the group's token that each query is, the row's first for padding; real, ``p``, the
    place of each token among the ``g·q``. keys: ``g k``, tokens of the stream; None for the queries themselves. hidden:
    ``g k`` bool, keys that are padding; None where none is.
    """

    start: int
    tokens: int
    rows: int
    width: int
    padded: Tensor | None = None
    real: Tensor | None = None
    keys: Tensor | None = None
    hidden: Tensor | None = None

    def queries(self, device: torch.device | None = None) -> Tensor:
        """``g q``: the token of the stream that each query is."""
        if self.padded is not None:
            return self.padded + self.start
        return torch.arange(self.start, self.start + self.tokens, device=device).view(self.rows, self.width)


class GroupedAttention:
    """The attention of one layer. groups: all tokens, in their order; masks: for each group, ``g q k`` bool, or None
    where a row is causal and nothing else."""

    def __init__(self, groups: Sequence[Group], masks: Sequence[Tensor | None]):
        self.groups, self.masks = groups, masks
        self.sizes = [group.tokens for group in groups]

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, dropout: float, scale: float, softcap: float | None
    ) -> Tensor:
        """``1 h n d`` to ``1 n h d``."""
        parts = []
        split = (states[0].split(self.sizes, dim=1) for states in (query, key, value))
        for group, mask, *own in zip(self.groups, self.masks, *split, strict=True):
            q = _rows(own[0], group)
            if group.keys is None:
                k, v = (_rows(states, group) for states in own[1:])
            else:
                k, v = (_gathered(states[0], group.keys) for states in (key, value))
            k, v = (_same_heads(states, q.shape[1]) for states in (k, v))
            out = _attend(q, k, v, mask, dropout, scale, softcap)
            flat = out.transpose(1, 2).flatten(0, 1)  # g·q h d
            parts.append(flat if group.real is None else flat.index_select(0, group.real))
        return torch.cat(parts)[None] if len(parts) > 1 else parts[0][None]


def _rows(states: Tensor, group: Group) -> Tensor:
    """A group's ``h p d`` to ``g h q d``."""
    if group.padded is None:
        return states.unflatten(1, (group.rows, group.width)).transpose(0, 1)
    return _gathered(states, group.padded)


def _gathered(states: Tensor, tokens: Tensor) -> Tensor:
    """``h n d`` to ``g h k d``."""
    return states.index_select(1, tokens.flatten()).unflatten(1, tuple(tokens.shape)).transpose(0, 1)


def _same_heads(states: Tensor, heads: int) -> Tensor:
    """Repeats each key or value for all heads that share it."""
    times = heads // states.shape[1]
    return states if times == 1 else states.repeat_interleave(times, dim=1)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    scale: float,
    softcap: float | None,
) -> Tensor:
    """Attends; returns ``g h q d``. mask: ``g q k``; None for causal."""
    seen = None if mask is None else mask[:, None]
    if softcap is None:
        return scaled_dot_product_attention(
            query, key, value, attn_mask=seen, dropout_p=dropout, scale=scale, is_causal=mask is None
        )
    if seen is None:
        seen = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device).tril()
    scores = softcap * torch.tanh(query @ key.transpose(-1, -2) * (scale / softcap))
    weights = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1, dtype=torch.float32).to(query.dtype)
    return drop(weights, dropout) @ value
