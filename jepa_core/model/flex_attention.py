"""Attention within a stream as one kernel that skips what nobody sees: FlexAttention, on a GPU.

Its memory grows with the tokens: who sees whom is a function, worked out tile by tile, and never a matrix.

Axes: ``n`` tokens of the stream, ``h`` heads, ``d`` width of a head, ``c`` tiles of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from jepa_core.errors import ComponentError

#: Tokens of a tile.
TILE = 128

#: Tells whether a query sees a key: numbers of tokens of the stream, any shapes that broadcast.
Sees = Callable[[Tensor, Tensor], Tensor]


def block_mask(first: Tensor, tokens: int, sees: Sees) -> BlockMask:
    """Makes the mask. first: ``c``, for each tile the first one that any of its tokens sees; none sees a later tile."""
    count = len(first)
    number = torch.arange(count, device=first.device, dtype=torch.int32)
    seen = (number - first + 1).to(torch.int32)
    order = (first[:, None] + number).clamp(max=count - 1).to(torch.int32)  # those after the seen ones are unused

    def mask_mod(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return sees(query, key)

    return BlockMask.from_kv_blocks(
        seen[None, None], order[None, None], BLOCK_SIZE=TILE, mask_mod=mask_mod, seq_lengths=(tokens, tokens)
    )


class FlexAttention:
    """The attention of one layer."""

    def __init__(self, mask: BlockMask):
        self.mask = mask

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, dropout: float, scale: float, softcap: float | None
    ) -> Tensor:
        """``1 h n d`` to ``1 n h d``. Raises ComponentError for dropout, which this kernel does not do."""
        if dropout:
            raise ComponentError(f"layout: flat on a GPU can't drop attention weights out (the model: {dropout:g})")
        run = _compiled() if query.is_cuda else flex_attention
        out: Any = run(
            query,
            key,
            value,
            score_mod=None if softcap is None else _capped_at(softcap),
            block_mask=self.mask,
            scale=scale,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        return out.transpose(1, 2)


@cache
def _compiled() -> Any:
    """Compiles the kernel: dynamic, since streams have other lengths in every step; whole, so that what can't be
    compiled, and too many compilations, are errors: uncompiled it would quietly make the full matrix."""
    return torch.compile(flex_attention, dynamic=True, fullgraph=True)


@cache
def _capped_at(size: float) -> Callable[..., Tensor]:
    def capped(score: Tensor, batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return size * torch.tanh(score / size)

    return capped
