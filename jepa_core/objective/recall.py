"""Recall: the mask token's state becomes an entity's before the answer is spelled.

The state at the mask token says which entity answers the question, by its cosine with the entities' own states,
but it is no such state. What comes after a layer gets, in its place, the mean of all entities' states, weighted by
softmax(cosine / temperature): one step of a modern Hopfield network whose memory is the entities (Ramsauer et
al. 2021, arXiv 2008.02217, equation 3). So a decoder that can spell entities can spell answers.

Axes: ``r t d`` states of a call, ``m d`` the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from jepa_core.views.facts import Role


class Recall:
    """A hook before `block`. What it needs to know is state while the model runs, so this is not for gradient
    checkpointing, which runs the model again later."""

    def __init__(self, block: nn.Module, temperature: float):
        self.temperature = temperature
        self.memory: Tensor | None = None
        block.register_forward_pre_hook(self._before)

    @contextmanager
    def at(self, roles: Tensor, memory: Tensor | None) -> Iterator[None]:
        """Within this context the mask tokens among `roles`, ``r t``, recall; with no memory nothing does."""
        self.asked = (roles == Role.MASK).flatten().nonzero().flatten()
        self.memory = memory
        try:
            yield
        finally:
            self.memory = None

    def _before(self, block: nn.Module, args: tuple) -> tuple | None:
        if self.memory is None:
            return None
        hidden, *rest = args
        flat = hidden.flatten(0, 1)
        found = recalled(flat.index_select(0, self.asked), self.memory, self.temperature)
        return (flat.index_copy(0, self.asked, found.to(flat.dtype)).view_as(hidden), *rest)


def recalled(states: Tensor, memory: Tensor, temperature: float) -> Tensor:
    """``n d``: for each of the states ``n d`` the memory's, weighted."""
    memory = memory.float()
    cosines = normalize(states.float(), dim=-1) @ normalize(memory, dim=-1).T
    return torch.softmax(cosines / temperature, dim=-1) @ memory
