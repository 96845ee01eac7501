"""What a mask builder sees of the tokens of a row."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from jepa_core.samples.samples import Role


@dataclass(frozen=True)
class Tokens:
    """Fields of the tokens of rows, each ``b t``, or ``b t 1`` / ``b 1 t`` as a mask builder gets them.

    block: which block of the row, from 0; position: place in the row, never the position id;
    role: :class:`~jepa_core.samples.samples.Role`; span: number of the token's span (tokens side by side with one
    role in one block), from 0 in each row; last: is it the last of its span; pred: is it a predictor token.
    """

    block: Tensor
    position: Tensor
    role: Tensor
    span: Tensor
    last: Tensor
    pred: Tensor

    @classmethod
    def of(cls, roles: Tensor, block: Tensor) -> Tokens:
        """From roles ``b t`` and block numbers ``b t``."""
        pair = torch.stack([roles, block])
        starts = (pair[..., 1:] != pair[..., :-1]).any(dim=0)
        edge = torch.ones_like(roles[:, :1], dtype=torch.bool)
        return cls(
            block=block,
            position=torch.arange(roles.shape[1], device=roles.device).expand_as(roles),
            role=roles,
            span=torch.cat([~edge, starts], dim=1).cumsum(dim=1)[:, : roles.shape[1]],
            last=torch.cat([starts, edge], dim=1)[:, : roles.shape[1]],
            pred=roles == Role.PRED,
        )

    def unsqueeze(self, dim: int) -> Tokens:
        """Every field with one more axis: ``-1`` makes queries, ``-2`` keys."""
        return Tokens(**{f.name: getattr(self, f.name).unsqueeze(dim) for f in fields(self)})
