"""``l2``: the Euclidean distance of predicted and target embedding."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.linalg import vector_norm

from jepa_core import hookimpl


class L2Distance:
    """‖p - t‖₂, at least 0. Its gradient at p = t is 0."""

    def __call__(self, predicted: Tensor, target: Tensor) -> Tensor:
        return vector_norm(predicted - target, dim=-1)


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"l2": L2Distance}
