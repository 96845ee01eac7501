"""One optimizer step, the same for every arm: clipping and fused AdamW, no reading of a loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def optimizer_of(model: nn.Module, capturable: bool = False) -> torch.optim.AdamW:
    """capturable: for CUDA graphs."""
    return torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True, capturable=capturable)


def train_step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Gradients are freed at the end, so that they do not count as memory that was there before."""
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
