"""``sigreg``: the embeddings, seen from random directions, look like a standard normal distribution."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from jepa_core import Draws, hookimpl

#: The most directions, and knots; each takes memory for every embedding.
MOST = 100_000
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SigReg:
    """The embeddings, seen from random directions, look like a standard normal distribution.

    Sketched isotropic Gaussian regularization (LeJEPA, Balestriero and LeCun 2025, arXiv 2511.08544, section 4): the
    mean, over random unit directions, of the Epps-Pulley distance between the empirical characteristic function of the
    projected embeddings and that of N(0, 1),

        n ∫ |φ_n(t) - exp(-t²/2)|² exp(-t²/2) dt,

    by the trapezoidal rule over `knots` points in [-reach, reach]. The directions are drawn anew in each step.
    """

    def __init__(
        self,
        weight: Positive = 0.05,
        directions: Annotated[int, Field(ge=1, le=MOST)] = 256,
        knots: Annotated[int, Field(ge=2, le=MOST)] = 17,
        reach: Positive = 5.0,
        of: Literal["predicted", "target", "both"] = "both",
    ):
        if weight <= 0 or directions < 1 or knots < 2 or reach <= 0:
            raise ValueError("weight and reach must be above 0, directions 1 or more, knots 2 or more")
        if not max(weight, reach) < inf or directions > MOST or knots > MOST:
            raise ValueError(f"weight and reach must be finite, directions and knots {MOST:,} or fewer")
        self.weight, self.of_side = weight, of
        self.directions, self.knots, self.reach = directions, knots, reach

    def __call__(self, embeddings: Tensor, draws: Draws) -> Tensor:
        n, d = embeddings.shape
        if not n:
            return embeddings.sum()
        directions = draws.normal(d, self.directions).to(embeddings.device)
        projected = embeddings.float() @ (directions / directions.norm(dim=0))
        t = torch.linspace(-self.reach, self.reach, self.knots, device=embeddings.device)
        angles = projected.unsqueeze(-1) * t
        normal = torch.exp(-t.square() / 2)
        apart = (angles.cos().mean(dim=0) - normal).square() + angles.sin().mean(dim=0).square()
        return n * torch.trapezoid(apart * normal, t, dim=-1).mean()


@hookimpl
def jepa_regularizers() -> Mapping[str, object]:
    return {"sigreg": SigReg}
