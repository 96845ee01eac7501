"""``difference``: the displacement from the first to the last state of a view."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jepa_core import hookimpl


class Difference:
    """h(last token) - h(first token) of a view (the displacements of STP, arXiv 2602.22617, equation 5).

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end.
    """

    def __init__(self, layer: int = -1):
        self.layer = layer

    def __call__(self, hidden: Tensor, valid: Tensor, tags: Tensor) -> Tensor:
        rows = torch.arange(len(hidden), device=hidden.device)
        first, last = self._ends(valid)
        return hidden[rows, last] - hidden[rows, first]

    def reads(self, valid: Tensor, tags: Tensor) -> Tensor:
        """Marks the two tokens, ``b s`` bool."""
        return torch.zeros_like(valid).scatter(1, torch.stack(self._ends(valid), dim=1), True)

    def _ends(self, valid: Tensor) -> tuple[Tensor, Tensor]:
        positions = torch.arange(valid.shape[1], device=valid.device)
        first = positions.where(valid, valid.shape[1] - 1).amin(dim=1)
        return first, positions.where(valid, 0).amax(dim=1)


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"difference": Difference}
