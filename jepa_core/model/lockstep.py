"""Processes in step, whose model is split among them.

The weights of a block are put together for the time that it runs, which takes all processes. How often one runs the
transformer depends on its samples, so before each pass they agree on what is run next: who wants it runs it, the others
run one token along, and what they get counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from jepa_core.distributed import host_group, largest

#: Nothing is left to be run.
DONE = 0


class Passes(Protocol):
    """What is run in passes: a Transformer."""

    blocks: list[nn.Module]
    lockstep: Lockstep | None

    def one_token(self, layers: frozenset[int], /) -> dict[int, Tensor]: ...


class Lockstep:
    """Of several `transformers`, each split by blocks within `root`, a module that torch's ``fully_shard`` has split.

    layers: whose states are read in some pass. They are in every one, and so have the same way back. reshard: are
    blocks taken apart again after they ran.
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
        """Until it is this transformer's turn, runs along in passes of other processes."""
        own = 1 + 2 * self.transformers.index(transformer) + torch.is_grad_enabled()
        while not self._apart and (turn := largest(own, self.group)) != own:
            self._run_along(turn)

    def after(self, states: dict[int, Tensor]) -> None:
        """Notes the states of a pass, each of which has to have a way back from the loss."""
        if torch.is_grad_enabled() and not self._apart:
            self._ties += [state.sum() * 0 for state in states.values()]

    def wait(self) -> None:
        """Runs along until no process has a pass left to run."""
        while turn := largest(DONE, self.group):
            self._run_along(turn)

    def end(self) -> Tensor | float:
        """Waits; then zero, with a way back to all passes, to be added to the loss."""
        self.wait()
        ties, self._ties = self._ties, []
        return sum(ties)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within this context the processes may run passes without gradient, each as many as it likes."""
        self.root.unshard()
        try:
            yield
            self.wait()
        finally:
            self.root.reshard()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Within this context each process has all weights, and may do without the others whatever takes no
        gradient."""
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
