"""A trial whether a model can run several rows as one stream: two of them through it, together and one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import ComponentError
from jepa_core.model.stream_attention import Attentions, StreamAttention
from jepa_core.model.trying import Trying


class StreamTrial(Trying):
    """Checks that states are those of rows alone, and by gradients that no token sees another row's."""

    def problem(self, attentions: Callable[[int], Attentions]) -> str | None:
        """Says why two rows as one stream differ from the rows one by one; None where they don't. attentions: for rows
        of so many tokens."""
        asked: list[StreamAttention] = []

        def noting(attention: StreamAttention, *states: Tensor, **options: Any) -> Tensor:
            asked.append(attention)
            return attention(*states, **options)

        def look() -> str | None:
            try:
                return self._problem([partial(noting, each) for each in attentions(self._count)])
            except ComponentError as refused:  # in our own words
                return str(refused)
            except Exception:  # as in _tried
                if asked:
                    raise
                return "its layers do not ask transformers' AttentionInterface for their attention"

        return self._tried(look)

    def _problem(self, attentions: Attentions) -> str | None:
        others = self._ids.flip(1)
        both, twice = torch.cat([self._ids, others], dim=1), self._positions.repeat(1, 2)
        with torch.no_grad():
            together = self._states(both, attentions, twice)
            alone = torch.cat([self._states(self._ids), self._states(others)], dim=1)
        if not self._alike(together, alone):
            return "its tokens come out of a stream with other states than out of a row of their own"
        (seen,) = self._influence(attentions, [self._last], both, twice)
        row = torch.arange(2 * self._count, device=seen.device) // self._count
        crossed = (seen != 0) & (row[:, None] != row)
        return "a token sees those of another row of its stream" if bool(crossed.any()) else None
