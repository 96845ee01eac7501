"""The last layer's MLP only where something reads its result.

After the last attention no token sees another, so its MLP matters only at labels, predicted and target
positions: of six tokens and a predictor these are three, of a second view one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


class OnlyReads:
    """Hooks on `mlp` that hand it the read tokens alone and put its results back in their places.

    The other tokens keep the residual stream as it was before the MLP. works: False switches it off for good
    (also where there is no module of this name). Which tokens are read is state while the model runs, so this
    is not for gradient checkpointing, which runs the model again later.
    """

    def __init__(self, mlp: object):
        self.works = isinstance(mlp, nn.Module)
        self.reads: Tensor | None = None
        self.handles = []
        if isinstance(mlp, nn.Module):
            self.handles = [mlp.register_forward_pre_hook(self._before), mlp.register_forward_hook(self._after)]

    @contextmanager
    def at(self, reads: Tensor | None) -> Iterator[None]:
        """Within this context the MLP runs at these tokens, flat, or at all of them for None."""
        self.reads = reads if self.works else None
        try:
            yield
        finally:
            self.reads = None

    def _before(self, module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        if self.reads is None:
            return None
        states, *rest = args
        self.shape = states.shape
        return (states.flatten(0, 1).index_select(0, self.reads)[None], *rest)

    def _after(self, module: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> Tensor | None:
        if self.reads is None:
            return None
        r, t, d = self.shape
        return out.new_zeros(r * t, d).index_copy(0, self.reads, out[0]).view(r, t, d)
