"""The tokens that a state depends on, found by gradients: they are exactly zero where there is no way from one to the
other, whatever rounding does to the values.

Axes: ``t`` tokens of a row, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from jepa_core.model.hooks import Hooks

_open_for_gradients = False


def detached(states: Tensor) -> Tensor:
    """Lets no gradient flow through these states, except while :func:`influence` looks."""
    return states if _open_for_gradients else states.detach()


def influence(run: Callable[[], list[Tensor]], embedding: nn.Module) -> list[Tensor]:
    """Measures how much tokens depend on each other: ``t t`` for each of the states ``1 t d`` that `run` gives, the
    row's token on the column's, 0 for not at all. embedding: where the tokens come in."""
    leaves: list[Tensor] = []

    def leaf(module: nn.Module, args: tuple, out: Tensor) -> Tensor:
        leaves.append(out.detach().requires_grad_())
        return leaves[-1].clone()  # a model may change it in place

    global _open_for_gradients
    hooks = Hooks()
    hooks.after(embedding, leaf)
    before, _open_for_gradients = _open_for_gradients, True
    try:
        with torch.enable_grad():
            return [_gradients(states, leaves) for states in run()]
    finally:
        _open_for_gradients = before
        hooks.remove()


def _gradients(states: Tensor, leaves: list[Tensor]) -> Tensor:
    direction = torch.arange(1, states.shape[-1] + 1, device=states.device).sin().to(states.dtype)
    if not states.requires_grad:
        return states.new_zeros(states.shape[1], states.shape[1])
    rows = []
    for token in range(states.shape[1]):
        read = (states[0, token] * direction).sum()
        found = torch.autograd.grad(read, leaves, retain_graph=True, allow_unused=True)
        rows.append(sum(_size(gradient, states) for gradient in found))
    return torch.stack([torch.as_tensor(row) for row in rows])


def _size(gradient: Tensor | None, states: Tensor) -> Tensor:
    """The size of a leaf's gradient ``1 t d`` at each of its tokens, ``t``."""
    if gradient is None:
        return states.new_zeros(states.shape[1])
    return gradient.detach().abs().amax(dim=-1).flatten()
