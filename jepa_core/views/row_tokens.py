"""The tokens of a row as a mask builder sees them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from jepa_core.samples.movable import Movable
from jepa_core.samples.samples import PRED


@dataclass(frozen=True)
class Tokens(Movable):
    """Fields of the tokens of rows, each ``b t``, or ``b t 1`` / ``b 1 t`` as a mask builder gets them.

    block: which block of the row, from 0 (a branch has the number of the block it continues); position: place in the
    row, never the position id; tag: what the token is, in the dataset's numbers; span: number of the token's span
    (tokens side by side with one tag in one block), from 0 in each row; last: whether it is the last of its span; pred:
    whether it is a predictor token.
    """

    block: Tensor
    position: Tensor
    tag: Tensor
    span: Tensor
    last: Tensor
    pred: Tensor

    @classmethod
    def of(cls, tags: Tensor, block: Tensor, piece: Tensor | None = None) -> Tokens:
        """Makes the fields. tags, block: ``b t``; piece: ``b t``, tells branches from the block they continue."""
        pair = torch.stack([tags, block if piece is None else piece])
        starts = (pair[..., 1:] != pair[..., :-1]).any(dim=0)
        edge = torch.ones_like(tags[:, :1], dtype=torch.bool)
        return cls(
            block=block,
            position=torch.arange(tags.shape[1], device=tags.device).expand_as(tags),
            tag=tags,
            span=torch.cat([~edge, starts], dim=1).cumsum(dim=1)[:, : tags.shape[1]],
            last=torch.cat([starts, edge], dim=1)[:, : tags.shape[1]],
            pred=tags == PRED,
        )

    def unsqueeze(self, dim: int) -> Tokens:
        """Every field with one more axis: ``-1`` makes queries, ``-2`` keys."""
        return Tokens(**{f.name: getattr(self, f.name).unsqueeze(dim) for f in fields(self)})

    def at(self, tokens: Tensor) -> Tokens:
        """Picks `tokens`, by number, from a row whose fields have one axis; every field then has their shape."""
        return Tokens(**{f.name: getattr(self, f.name)[tokens] for f in fields(self)})
