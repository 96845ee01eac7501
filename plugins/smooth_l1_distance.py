"""``smooth_l1``: squared near the target, absolute far from it."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from jepa_core import hookimpl


class SmoothL1Distance:
    """The mean over the components of |e|²/(2 beta) for |e| < beta and |e| - beta/2 beyond, e = p - t; at least 0.

    Girshick 2015 (arXiv 1504.08083, equation 3); I-JEPA and V-JEPA train with it.

    >>> SmoothL1Distance(beta=1.0)(torch.tensor([[0.5], [3.0]]), torch.zeros(2, 1)).tolist()
    [0.125, 2.5]
    """

    def __init__(self, beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0):
        if not 0 < beta < inf:
            raise ValueError(f"beta must be above 0 and finite, not {beta}")
        self.beta = beta

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        return smooth_l1_loss(predicted, target, reduction="none", beta=self.beta).mean(dim=-1)


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"smooth_l1": SmoothL1Distance}
