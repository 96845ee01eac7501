"""The target encoder: the model itself, or a copy of it that lags behind or stands still.

Axes: ``m w d`` states of a block.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from jepa_core.model.transformer import Transformer
from jepa_core.objective.spec import Ema, ObjectiveSpec, Target

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class TargetEncoder(nn.Module):
    """A copy of `model` that takes no gradient: frozen as it started, or an exponential moving average of the weights
    (as in BYOL, Grill et al. 2020, arXiv 2006.07733). Saved with the components, so that a resumed run keeps it.
    """

    def __init__(self, model: PreTrainedModel, kind: Target, without_positions: bool = False):
        super().__init__()
        self.decay = kind.decay if isinstance(kind, Ema) else None
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.transformer = Transformer(self.model)
        if without_positions:
            self.transformer.forget_positions()

    def train(self, mode: bool = True) -> TargetEncoder:
        """Stays in evaluation mode, without dropout."""
        return super().train(False)

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """Moves the average towards the weights of `model`, after an optimizer step."""
        if self.decay is None:
            return
        for own, other in zip(self.model.parameters(), model.parameters(), strict=True):
            own.lerp_(other.to(own.dtype), 1 - self.decay)


def stopped(embedding: Tensor, kind: Target) -> Tensor:
    """The target's embedding, with its gradient only where the target is ``same``."""
    return embedding if kind == "same" else embedding.detach()


def target_encoder(model: PreTrainedModel, spec: ObjectiveSpec) -> TargetEncoder | None:
    """Copies the model, before any hook is on it, where the targets are not the model's own states; else None."""
    if spec.target in ("same", "stopped") or not any(term.enabled for term in spec.terms):
        return None
    return TargetEncoder(model, spec.target, without_positions=spec.positions == "none")
