"""``variance_covariance``: every component of the embeddings varies, and no two vary together."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import relu

from jepa_core import Draws, hookimpl

Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class VarianceCovariance:
    """Every component of the embeddings varies, and no two vary together.

    ``variance · mean_j max(0, 1 - std_j) + covariance · Σ_{i≠j} C_ij² / d`` (VICReg, Bardes, Ponce and LeCun 2021,
    arXiv 2105.04906, equations 1 to 4). C is the covariance matrix of the embeddings ``n d`` with n - 1 in its
    denominator, std_j = √(C_jj + eps). 0 for fewer than two embeddings.
    """

    def __init__(
        self,
        weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
        variance: Share = 1.0,
        covariance: Share = 0.04,
        of: Literal["predicted", "target", "both"] = "both",
        eps: Annotated[float, Field(gt=0, le=1)] = 1e-4,
    ):
        if weight <= 0 or variance < 0 or covariance < 0 or variance + covariance == 0:
            raise ValueError("weight must be above 0, variance and covariance at least 0 and not both 0")
        if not max(weight, variance, covariance) < inf or not 0 < eps <= 1:
            raise ValueError("weight, variance and covariance must be finite, eps above 0 and at most 1")
        self.weight, self.of_side = weight, of
        self.variance, self.covariance, self.eps = variance, covariance, eps

    def __call__(self, embeddings: Tensor, draws: Draws) -> Tensor:
        n, d = embeddings.shape
        if n < 2:
            return embeddings.sum() * 0
        centred = embeddings.float() - embeddings.float().mean(dim=0)
        matrix = centred.T @ centred / (n - 1)
        spread = relu(1 - torch.sqrt(matrix.diagonal() + self.eps)).mean()
        together = (matrix.square().sum() - matrix.diagonal().square().sum()) / d
        return self.variance * spread + self.covariance * together


@hookimpl
def jepa_regularizers() -> Mapping[str, object]:
    return {"variance_covariance": VarianceCovariance}
