"""Ending a pass of the transformer at the last layer that is asked for.

An entity's state may be that after the first layer of many; what comes after it need not run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn


class EarlyExit:
    """Hooks before each of `blocks` that keep the states asked for and leave the model at the last of them.

    With gradient checkpointing too: blocks that run again later, one by one, find nothing asked for.
    """

    def __init__(self, blocks: Sequence[nn.Module]):
        self.wanted: Collection[int] = ()
        self.found: dict[int, Tensor] = {}
        self.handles = [
            block.register_forward_pre_hook(partial(self._before, layer), with_kwargs=True)
            for layer, block in enumerate(blocks)
        ]

    @contextmanager
    def after(self, layers: Collection[int]) -> Iterator[dict[int, Tensor]]:
        """A pass within this context goes as far as the last of these `layers` (0: the embeddings), and what it
        gives is filled in, ``b t d`` for each."""
        self.wanted, self.found = layers, {}
        try:
            yield self.found
        except _Reached:
            pass
        finally:
            self.wanted, self.found = (), {}

    def _before(self, layer: int, block: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if layer in self.wanted:
            self.found[layer] = args[0] if args else kwargs["hidden_states"]
            if layer == max(self.wanted):
                raise _Reached


class _Reached(Exception):
    """All that was asked for is there."""
