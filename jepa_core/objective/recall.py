"""Recall: the mask token's state becomes an entity's before the answer is spelled.

What the source extractor makes of a question says which entity answers it, by its cosine with the entities' own
states, but it is no such state. What comes after a layer gets, in the mask token's place, the mean of all entities'
states, weighted by softmax(cosine / temperature): one step of a modern Hopfield network whose memory is the entities
(Ramsauer et al. 2021, arXiv 2008.02217, equation 3). So a decoder that can spell entities can spell answers.

Axes: ``r t d`` states of a call, ``m d`` the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from jepa_core.objective.arrangement import Call
from jepa_core.objective.side import Side
from jepa_core.samples.samples import Role


class Recall:
    """Hooks before `blocks`: those whose inputs the `source` reads, and the one after `layer`, which gets what is
    recalled. What they need to know is state while the model runs, so this is not for gradient checkpointing, which
    runs the model again later."""

    def __init__(self, blocks: Sequence[nn.Module], layer: int, source: Side, temperature: float):
        self.layer, self.source, self.temperature = layer, source, temperature
        self.memory: Tensor | None = None
        self.states: dict[int, Tensor] = {}
        for number in {*source.layers} - {layer}:
            blocks[number].register_forward_pre_hook(partial(self._keep, number))
        blocks[layer].register_forward_pre_hook(self._before)

    @contextmanager
    def at(self, call: Call, memory: Tensor | None) -> Iterator[None]:
        """Within this context the mask tokens of `call` recall; with no memory nothing does."""
        self.call, self.memory = call, memory
        try:
            yield
        finally:
            self.memory = None
            self.states.clear()

    def _keep(self, layer: int, block: nn.Module, args: tuple) -> None:
        if self.memory is not None:
            self.states[layer] = args[0]

    def _before(self, block: nn.Module, args: tuple) -> tuple | None:
        if self.memory is None:
            return None
        self._keep(self.layer, block, args)
        hidden, *rest = args
        for number in range(int(self.call.block.max()) + 1):
            hidden = self._answered(hidden, self.call.block == number, self.memory)
        return (hidden, *rest)

    def _answered(self, hidden: Tensor, inside: Tensor, memory: Tensor) -> Tensor:
        """With the mask tokens of one block, `inside` ``r t``, recalled. Only the question is looked at: what comes
        after it has seen the answer."""
        roles = self.call.roles
        masks = inside & (roles == Role.MASK)
        rows = masks.any(dim=1).nonzero().flatten()
        question = masks | (inside & ((roles == Role.HEAD) | (roles == Role.RELATION)))
        with torch.no_grad():
            states = [self.states[layer].index_select(0, rows) for layer in self.source.layers]
            asked = self.source(states, question[rows], roles[rows])
            found = recalled(asked, memory, self.temperature).to(hidden.dtype)
        answers = hidden.new_zeros(len(roles), hidden.shape[-1]).index_copy(0, rows, found)
        return torch.where(masks[..., None], answers[:, None], hidden)


def recalled(states: Tensor, memory: Tensor, temperature: float) -> Tensor:
    """``n d``: for each of the states ``n d`` the memory's, weighted."""
    memory = memory.float()
    cosines = normalize(states.float(), dim=-1) @ normalize(memory, dim=-1).T
    return torch.softmax(cosines / temperature, dim=-1) @ memory
