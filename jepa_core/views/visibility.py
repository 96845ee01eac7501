"""From a mask builder to the attention mask of a layer."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder
from jepa_core.samples.samples import Role
from jepa_core.views.row_tokens import Tokens


def visible(builder: MaskBuilder, tokens: Tokens, layer: int) -> Tensor:
    """``b t t`` bool: may the query (rows) see the key (columns) in this layer.

    What the builder allows, AND causality, AND the key is no padding, OR the diagonal, so that no row is
    ever fully masked (a fully masked row is NaN in eager attention, and spreads).
    """
    query, key = tokens.unsqueeze(-1), tokens.unsqueeze(-2)
    causal = key.position <= query.position
    allowed = builder(query, key, layer) & causal & (key.role != Role.PAD)
    return allowed | (key.position == query.position)


def additive(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where allowed, the dtype's minimum elsewhere.

    Added to the scores by eager attention and by sdpa alike; a boolean mask would be silently wrong under
    eager, and minus infinity makes NaN of fully masked rows.
    """
    return torch.zeros(allowed.shape, dtype=dtype, device=allowed.device).masked_fill(~allowed, torch.finfo(dtype).min)
