"""``angle``: the angle between predicted and target embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cosine_similarity

from jepa_core import hookimpl


class AngleDistance:
    """The angle arccos(cos(p, t)), in radians from 0 to pi; between two steps of a path it is the curvature.

    eps: cosines are kept this far from 1 and -1, where the gradient is infinite, and norms above it.
    """

    def __init__(self, eps: Annotated[float, Field(gt=0, lt=1)] = 1e-6):
        if not 0 < eps < 1:
            raise ValueError(f"eps must be between 0 and 1, not {eps}")
        self.eps = eps

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        cosine = cosine_similarity(predicted.float(), target.float(), dim=-1, eps=self.eps)
        return cosine.clamp(-1 + self.eps, 1 - self.eps).acos()


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"angle": AngleDistance}
