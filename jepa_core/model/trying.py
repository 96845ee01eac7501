"""The base of trials: a few tokens run through a model, to see what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import one_line
from jepa_core.model.evaluating import evaluating
from jepa_core.model.fittings import Fittings
from jepa_core.model.probe import influence
from jepa_core.model.stream_attention import Attentions
from jepa_core.model.windows import max_positions
from jepa_core.views.visibility import additive

#: Tokens of a trial, and the most that rounding moves a state, as a share of the largest one.
TOKENS, ROUNDING, COARSE_ROUNDING = 4, 1e-4, 5e-2


class Trying:
    """Runs a few tokens through a model. Its weights, modes and random numbers stay as they are."""

    def __init__(self, fittings: Fittings):
        self._fittings = fittings
        self._model = fittings.model
        self._name = type(fittings.model).__name__
        self._last = len(fittings.anatomy.blocks)
        self._count = min(TOKENS, max_positions(fittings.anatomy.config) or TOKENS)

    @property
    def _blocks(self) -> list[Any]:
        return self._fittings.anatomy.blocks

    @property
    def _ids(self) -> Tensor:
        return torch.arange(self._count, device=self._model.device)[None] % self._fittings.anatomy.config.vocab_size

    @property
    def _positions(self) -> Tensor:
        return torch.arange(self._count, device=self._model.device)[None]

    @property
    def _rounding(self) -> float:
        return ROUNDING if torch.finfo(self._model.dtype).eps < 1e-5 else COARSE_ROUNDING

    def _states(self, ids: Tensor, mask: Tensor | Attentions | None = None, positions: Tensor | None = None) -> Tensor:
        positions = self._positions if positions is None else positions
        return self._fittings.run(ids, positions, mask, [self._last])[0][self._last]

    def _influence(
        self,
        mask: Tensor | Attentions | None,
        layers: list[int],
        ids: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> list[Tensor]:
        tokens, places = (self._ids, self._positions) if ids is None or positions is None else (ids, positions)

        def run() -> list[Tensor]:
            found, _ = self._fittings.run(tokens, places, mask, layers)
            return [found[layer] for layer in layers]

        return influence(run, self._model.get_input_embeddings())

    def _additive(self, masks: Tensor) -> Tensor:
        return additive(masks[None].to(self._model.device), self._model.dtype)

    def _alike(self, first: Tensor, second: Tensor, share: float | None = None) -> bool:
        far = float((first - second).abs().max())
        return far <= (share or self._rounding) * max(1.0, float(second.abs().max()))

    def _tried(self, look: Callable[[], str | None]) -> str | None:
        """Calls `look` and returns the problem that it finds; whatever the model raises is one too."""
        with self._trying():
            try:
                return look()
            except Exception as error:  # models of 200 kinds raise what they like at an argument they don't take
                return short(error)

    @contextmanager
    def _trying(self) -> Iterator[None]:
        device = self._model.device.type
        with evaluating(self._model), torch.autocast(device, enabled=False):
            yield


def short(error: BaseException) -> str:
    """An error's message in one line of 300 characters at most."""
    return one_line(error)[:300]
