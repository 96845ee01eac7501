"""The attention mask of a layer, from a mask builder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder
from jepa_core.samples.movable import Movable
from jepa_core.samples.samples import PAD
from jepa_core.views.row_tokens import Tokens


def visible(builder: MaskBuilder, tokens: Tokens, layer: int, apart: Tensor | None = None) -> Tensor:
    """``b t t`` bool: whether the query (rows) may see the key (columns) in this layer.

    What the builder allows, AND causality, AND the key is no padding, AND NOT `apart` (``b t t`` bool, from
    :func:`apart_by_branch`), OR the diagonal, so that no row is ever fully masked (a fully masked row is NaN in eager
    attention, and spreads).

    Two blocks, of two tokens and of one, then padding:

    >>> tokens = Tokens.of(tags=torch.tensor([[1, 1, 1, 0]]), block=torch.tensor([[0, 0, 1, 1]]))
    >>> visible(lambda query, key, layer: query.block == key.block, tokens, layer=0).int()[0].tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    """
    query, key = tokens.unsqueeze(-1), tokens.unsqueeze(-2)
    causal = key.position <= query.position
    allowed = builder(query, key, layer) & causal & (key.tag != PAD)
    if apart is not None:
        allowed = allowed & ~apart
    return allowed | (key.position == query.position)


def apart_by_branch(piece: Tensor, prefix: Tensor, place: Tensor) -> Tensor:
    """``b t t`` bool: the keys that a query does not see whatever a mask says, because one of the two is in a branch.

    piece: ``b t``, number of the block or branch that a token is in; prefix: ``b t``, the tokens of block 0 that a
    token of a branch sees, else -1; place: ``b t``, the token's column in its own block.
    """
    query, key = (Branched(*(field.unsqueeze(dim) for field in (piece, prefix, place))) for dim in (-1, -2))
    return query.never_sees(key)


@dataclass(frozen=True)
class Branched(Movable):
    """Tokens of a row with branches. piece: number of the block or branch that each is in; prefix: the tokens of block
    0 that a token of a branch sees, else -1; place: its column in its own block."""

    piece: Tensor
    prefix: Tensor
    place: Tensor

    def at(self, tokens: Tensor) -> Branched:
        """Picks `tokens`, by number; every field then has their shape."""
        return Branched(self.piece[tokens], self.prefix[tokens], self.place[tokens])

    def never_sees(self, key: Branched) -> Tensor:
        """Tells whether this query never sees `key`, as one is in a branch that the other is no part of; broadcasts."""
        in_prefix = (key.piece == 0) & (key.place < self.prefix)
        return (self.piece != key.piece) & ((key.prefix >= 0) | ((self.prefix >= 0) & ~in_prefix))


def additive(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where allowed, the dtype's minimum elsewhere.

    Added to the scores by eager attention and by sdpa alike; a boolean mask would be silently wrong under
    eager, and minus infinity makes NaN of fully masked rows.
    """
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(~allowed, torch.finfo(dtype).min)
