"""The last layer's MLP only where something reads its result.

After the last attention no token sees another, so its MLP matters only at labels, predicted and target
positions: of six tokens and a predictor these are three, of a second view one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from jepa_core.model.hooks import Hooks


class OnlyReads:
    """Hooks on `mlp` that hand it the read tokens alone and put its results back in their places.

    The other tokens keep the residual stream as it was before the MLP. works: whether this gives the model's own
    states; False switches it off for good (so does no `mlp`), None means that nobody has looked yet. Which tokens
    are read is state while the model runs, so this is not for gradient checkpointing, which runs the model again
    later.
    """

    def __init__(self, mlp: nn.Module | None, hooks: Hooks):
        self.works: bool | None = None if mlp is not None else False
        self.reads: Tensor | None = None
        if mlp is not None:
            hooks.before(mlp, self._before)
            hooks.after(mlp, self._after)

    @contextmanager
    def at(self, reads: Tensor | None) -> Iterator[None]:
        """Runs the MLP, in this context, at these tokens alone, flat, or at all of them for None."""
        self.reads = reads
        try:
            yield
        finally:
            self.reads = None

    def _before(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]] | None:
        if self.reads is None:
            return None
        states, *rest = args
        self.shape = states.shape
        return (states.flatten(0, 1).index_select(0, self.reads)[None], *rest), kwargs

    def _after(self, module: nn.Module, args: tuple, out: Any) -> object:
        """Puts the results in their places. Nothing looks at what some mixtures of experts add of their router."""
        if self.reads is None:
            return None
        if isinstance(out, tuple):
            return (self._spread(out[0], self.reads), *out[1:])
        return self._spread(out, self.reads)

    def _spread(self, out: Tensor, reads: Tensor) -> Tensor:
        r, t, d = self.shape
        return out.new_zeros(r * t, d).index_copy(0, reads, out.reshape(-1, d)).view(r, t, d)
