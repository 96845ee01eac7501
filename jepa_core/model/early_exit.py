"""Reading the states between layers, and ending a pass at the last layer that is asked for.

An entity's state may be that after the first layer of many; what comes after it need not run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from jepa_core.model.hooks import Hooks


class EarlyExit:
    """Hooks before each of `blocks` that keep the states asked for, and may leave the model at the last of them.

    They work with gradient checkpointing too: blocks that run again later, one by one, find nothing asked for.
    """

    def __init__(self, blocks: Sequence[nn.Module], hooks: Hooks):
        self.wanted: Collection[int] = ()
        self.leave = False
        self.found: dict[int, Tensor] = {}
        for layer, block in enumerate(blocks):
            hooks.before(block, partial(self._before, layer))

    @contextmanager
    def reading(self, layers: Collection[int], leave: bool) -> Iterator[dict[int, Tensor]]:
        """Yields a mapping that a pass in this context fills: the input ``b t d`` of these `layers` (0: the
        embeddings).

        leave: whether the pass ends at the last of them.
        """
        self.wanted, self.leave, self.found = layers, leave, {}
        try:
            yield self.found
        except _Reached:
            pass
        finally:
            self.wanted, self.leave, self.found = (), False, {}

    def _before(self, layer: int, block: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if layer in self.wanted:
            self.found[layer] = hidden_of(args, kwargs)
            if self.leave and layer == max(self.wanted):
                raise _Reached


class _Reached(Exception):
    """Ends a pass once everything that was asked for is there."""


def hidden_of(args: tuple, kwargs: dict[str, Any]) -> Tensor:
    """The hidden states that a layer is called with: its first argument, whether by place or by name."""
    return args[0] if args else kwargs["hidden_states"]


def with_hidden(hidden: Tensor, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Replaces the hidden states among a layer's arguments."""
    return ((hidden, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": hidden})
