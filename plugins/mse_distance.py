"""``mse``: the mean squared difference of predicted and target embedding."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import hookimpl


class MseDistance:
    """The mean over the d components of (p - t)², at least 0."""

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        return (predicted - target).square().mean(dim=-1)


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"mse": MseDistance}
