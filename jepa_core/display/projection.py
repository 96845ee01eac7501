"""Predicted and target embeddings in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.tensors import wide

#: The most pairs shown: more points hide each other.
PAIRS = 200


@dataclass(frozen=True)
class Projection:
    """predicted, target: ``n 2``; shares: of the variance of all 2 n points, one for each component; length: root mean
    square of the embeddings' lengths; spread: the same of their distances from their common mean."""

    predicted: Tensor
    target: Tensor
    shares: Sequence[float]
    length: float = 0.0
    spread: float = 0.0


def project(predicted: Tensor, target: Tensor) -> Projection:
    """Projects both sides' embeddings ``n d`` on their first two principal components, about their common mean.

    A component's sign is arbitrary: here its largest weight is positive, so that equal runs look equal.
    """
    points = wide(torch.cat([predicted, target]))
    length = _rms(points)
    points = points - points.mean(dim=0)
    _, values, directions = torch.linalg.svd(points, full_matrices=False)
    two = directions[:2]
    two = two * two.gather(1, two.abs().argmax(dim=1, keepdim=True)).sign()
    first, second = (points @ two.T).split([len(predicted), len(target)])
    variance = values.square()
    shares = (variance / variance.sum().clamp(min=1e-30))[:2].tolist()
    return Projection(first, second, shares, length, _rms(points))


def _rms(points: Tensor) -> float:
    """The root mean square of the lengths of ``n d``."""
    return float(points.square().sum(dim=1).mean().sqrt())
