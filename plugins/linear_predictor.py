"""``linear``: a linear map of the source's embedding."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from jepa_core import BuildContext, hookimpl


class LinearPredictor(nn.Module):
    """``W h + b``; starts as the identity, so that training begins where no predictor would. With a condition c:
    ``W h + V c + b``, V starting at 0."""

    def __init__(self, width: int, bias: bool = False, conditioned: bool = False):
        super().__init__()
        self.map = nn.Linear(width, width, bias=bias)
        nn.init.eye_(self.map.weight)
        self.condition = nn.Linear(width, width, bias=False) if conditioned else None
        if self.condition is not None:
            nn.init.zeros_(self.condition.weight)

    def forward(self, state: Tensor, condition: Tensor | None) -> Tensor:
        """state, condition: ``n d``; returns ``n d``."""
        dtype = self.map.weight.dtype  # fp32 also beside a model in bf16
        found = self.map(state.to(dtype))
        if self.condition is not None and condition is not None:
            found = found + self.condition(condition.to(dtype))
        return found.to(state.dtype)


def linear(context: BuildContext, bias: bool = False, conditioned: bool = False) -> LinearPredictor:
    """A linear map of the source's embedding, starting as the identity; with parameters.

    bias: adds a vector; conditioned: adds a linear map of the condition.
    """
    return LinearPredictor(context.width, bias, conditioned)


@hookimpl
def jepa_predictors() -> Mapping[str, object]:
    return {"linear": linear}
