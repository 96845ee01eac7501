"""Processes in step, with a model that is split among them.

The weights of a block are gathered while it runs, which takes all processes. How often a process runs the transformer
depends on its samples, so before each pass they agree on what runs next: those that need the pass run it, the others
run one token along, whose states count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from jepa_core.distributed import host_group, largest

#: The turn of a process that has nothing left to run.
DONE = 0


class Passes(Protocol):
    """A transformer, as something that is run in passes."""

    blocks: list[nn.Module]
    lockstep: Lockstep | None

    def one_token(self, layers: frozenset[int], /) -> dict[int, Tensor]: ...


class Lockstep:
    """Keeps `transformers` in step, each split by blocks within `root`, which torch's ``fully_shard`` has split.

    layers: those whose states some pass reads. Every pass reads them, so that all have the same way back. reshard:
    whether blocks are split again after they ran.
    """

    def __init__(self, root: Any, transformers: Sequence[Passes], layers: frozenset[int], reshard: bool):
        self.root, self.transformers, self.layers, self.reshard = root, list(transformers), layers, reshard
        self.blocks: list[Any] = [block for each in transformers for block in each.blocks]
        self.group = host_group()
        self._ties: list[Tensor] = []
        self._apart = False
        root._get_fsdp_state()._lazy_init()  # or whatever runs first would be taken for the root
        for transformer in self.transformers:
            transformer.lockstep = self

    def before(self, transformer: Passes) -> None:
        """Runs along in passes of other processes until it is this transformer's turn."""
        own = 1 + 2 * self.transformers.index(transformer) + torch.is_grad_enabled()
        while not self._apart and (turn := largest(own, self.group)) != own:
            self._run_along(turn)

    def after(self, states: dict[int, Tensor]) -> None:
        """Notes the states of a pass; the loss has to have a way back to each of them."""
        if torch.is_grad_enabled() and not self._apart:
            self._ties += [state.sum() * 0 for state in states.values()]

    def wait(self) -> None:
        """Runs along until no process has a pass left to run."""
        while turn := largest(DONE, self.group):
            self._run_along(turn)

    def end(self) -> Tensor | float:
        """Waits for the others; returns zero, with a way back to all passes, to be added to the loss."""
        self.wait()
        ties, self._ties = self._ties, []
        return sum(ties)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Lets the processes run passes without gradient in this context, each as many as it likes."""
        self.root.unshard()
        try:
            yield
            self.wait()
        finally:
            self.root.reshard()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Gives each process all weights in this context, to run without the others whatever takes no gradient."""
        self._apart = True
        for module in self.blocks:
            module.set_reshard_after_forward(False)
        for module in (self.root, *self.blocks):
            module.unshard()
        try:
            yield
        finally:
            self._apart = False
            for module in self.blocks:
                module.set_reshard_after_forward(self.reshard)
            for module in (self.root, *self.blocks):
                module.reshard()

    def _run_along(self, turn: int) -> None:
        number, grad = divmod(turn - 1, 2)
        with torch.set_grad_enabled(bool(grad)):
            self.after(self.transformers[number].one_token(self.layers))
