"""``cosine``: one minus the cosine of predicted and target embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cosine_similarity

from jepa_core import hookimpl


class CosineDistance:
    """1 - cos(p, t), in [0, 2] (LLM-JEPA, Huang, LeCun and Balestriero 2025, arXiv 2509.14252).

    eps: smallest norm product divided by, so that a zero vector has distance 1 and no NaN.

    >>> same, turned, opposite = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    >>> CosineDistance()(torch.stack([same, same, same]), torch.stack([same, turned, opposite])).tolist()
    [0.0, 1.0, 2.0]
    """

    def __init__(self, eps: Annotated[float, Field(gt=0, le=1)] = 1e-8):
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be above 0, and at most 1, not {eps}")
        self.eps = eps

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        return 1 - cosine_similarity(predicted, target, dim=-1, eps=self.eps)


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"cosine": CosineDistance}
