"""Masks by layer, from a stack that comes in as the model's mask argument."""

from __future__ import annotations

from torch import Tensor, nn

_MARK = "_jepa_of_layers"


def of_layers(mask: Tensor) -> Tensor:
    """Marks ``b n t t`` as one mask a layer; a mask of this shape that a model makes itself is one a head.

    The mark travels with the tensor, not as state, so gradient checkpointing recomputes with the right masks.
    """
    setattr(mask, _MARK, mask.shape[1] > 1)
    return mask


class LayerMask:
    """A hook before a layer that hands it its own mask out of a stack."""

    def __init__(self, layer: int):
        self.layer = layer

    def __call__(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return tuple(map(self._pick, args)), {key: self._pick(value) for key, value in kwargs.items()}

    def _pick(self, value: object) -> object:
        if isinstance(value, Tensor) and getattr(value, _MARK, False):
            return value[:, self.layer : self.layer + 1]
        return value
