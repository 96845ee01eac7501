"""``last_token``: the hidden state of a view's last token, or of its last token in one role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core import hookimpl
from jepa_core.samples.samples import Role

RoleName = Literal["head", "relation", "mask", "tail", "pred"]
Norm = Literal["none", "l2", "rms", "variance"]
EPS = 1e-6


class LastToken:
    """Takes the last valid token; with predictor tokens that is the last ``<PRED>``.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end; role: the last token
    that has this role instead (of a view without one: its first column); norm: scale the vector to length 1
    (``l2``), to a root mean square of 1 (``rms``), or to a standard deviation of 1 with its mean kept
    (``variance``).
    """

    def __init__(self, layer: int = -1, role: RoleName | None = None, norm: Norm = "none"):
        self.layer = layer
        self.role = None if role is None else getattr(Role, role.upper())
        self.norm = norm

    def __call__(self, hidden: Tensor, valid: Tensor, roles: Tensor) -> Tensor:
        rows = torch.arange(len(hidden), device=hidden.device)
        return scaled(hidden[rows, self._last(valid, roles)], self.norm)

    def reads(self, valid: Tensor, roles: Tensor) -> Tensor:
        """``b s`` bool: the token that is taken."""
        return torch.zeros_like(valid).scatter(1, self._last(valid, roles)[:, None], True)

    def _last(self, valid: Tensor, roles: Tensor) -> Tensor:
        chosen = valid if self.role is None else valid & (roles == self.role)
        positions = torch.arange(valid.shape[1], device=valid.device)
        return positions.where(chosen, 0).amax(dim=1)


def scaled(vectors: Tensor, norm: Norm) -> Tensor:
    """``b d`` scaled row by row; a zero vector stays one."""
    if norm == "l2":
        return normalize(vectors, dim=-1, eps=EPS)
    if norm == "none":
        return vectors
    spread = vectors - vectors.mean(dim=-1, keepdim=True) if norm == "variance" else vectors
    return vectors * (spread.square().mean(dim=-1, keepdim=True) + EPS).rsqrt()


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"last_token": LastToken}
