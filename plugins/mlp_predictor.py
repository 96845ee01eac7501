"""``mlp``: a network with one hidden layer, from the source's embedding to the target's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from jepa_core import BuildContext, ComponentError, hookimpl

WIDEST = 1_000_000


class MlpPredictor(nn.Module):
    """``h + W₂ gelu(W₁ [h, c])``, with W₂ starting at 0, so that training begins at the identity. c is the condition,
    zeros where there is none."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.width = width
        self.into = nn.Linear(2 * width, hidden)
        self.out = nn.Linear(hidden, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, state: Tensor, condition: Tensor | None) -> Tensor:
        """state, condition: ``n d``; returns ``n d``."""
        given = torch.zeros_like(state) if condition is None else condition
        both = torch.cat([state, given], dim=-1).to(self.into.weight.dtype)
        return state + self.out(gelu(self.into(both))).to(state.dtype)


def mlp(context: BuildContext, hidden: int | None = None) -> MlpPredictor:
    """A network with one hidden layer beside the identity; with parameters.

    hidden: its width, by default four times the model's.
    """
    if hidden is not None and not 1 <= hidden <= WIDEST:
        raise ComponentError(f"hidden: expected 1 to {WIDEST:,}, not {hidden}")
    return MlpPredictor(context.width, hidden or 4 * context.width)


@hookimpl
def jepa_predictors() -> Mapping[str, object]:
    return {"mlp": mlp}
