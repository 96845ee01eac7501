"""``last_token``: the hidden state of a view's last token."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jepa_core import hookimpl


class LastToken:
    """Takes the last valid token; with predictor tokens that is the last ``<PRED>``.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end.
    """

    def __init__(self, layer: int = -1):
        self.layer = layer

    def __call__(self, hidden: Tensor, valid: Tensor, roles: Tensor) -> Tensor:
        return hidden[torch.arange(len(hidden), device=hidden.device), self._last(valid)]

    def reads(self, valid: Tensor, roles: Tensor) -> Tensor:
        """``b s`` bool: the last valid token."""
        return torch.zeros_like(valid).scatter(1, self._last(valid)[:, None], True)

    def _last(self, valid: Tensor) -> Tensor:
        positions = torch.arange(valid.shape[1], device=valid.device)
        return positions.where(valid, 0).amax(dim=1)


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"last_token": LastToken}
