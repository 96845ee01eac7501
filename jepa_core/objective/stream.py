"""One stream of tokens, without padding: who sees whom in it.

Axes: ``n`` tokens of the stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder
from jepa_core.model.grouped_attention import Group
from jepa_core.samples.movable import Movable
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import Branched


@dataclass(frozen=True)
class Stream(Movable):
    """sample, block (for a branch that of the block it continues), positions (position ids), place (column in its own
    block): ``n``; branched: None without branches; tokens: the mask builder's view of them, with one axis ``n``, None
    without a builder to ask; groups: rows that attend in one call; longest: tokens of the longest sample; first: for
    each tile of :data:`~jepa_core.model.flex_attention.TILE` tokens the first tile that any of them sees, None where
    the rows of a sample are not side by side."""

    sample: Tensor
    block: Tensor
    positions: Tensor
    place: Tensor
    branched: Branched | None
    tokens: Tokens | None
    groups: tuple[Group, ...]
    longest: int
    first: Tensor | None

    def sees(self, builder: MaskBuilder | None, layer: int, window: int | None) -> Callable[[Tensor, Tensor], Tensor]:
        """Makes a function of token numbers, query and key, that tells whether the query sees the key; broadcasts.

        The same as :func:`~jepa_core.views.visibility.visible` in this layer, token by token. builder: None for plain
        block-causal; window: how many tokens of its own row a token sees, itself included.
        """

        def seen(query: Tensor, key: Tensor) -> Tensor:
            allowed = (self.sample[query] == self.sample[key]) & (key <= query)
            if builder is None:
                allowed = allowed & (self.block[query] == self.block[key])
            elif self.tokens is not None:
                allowed = allowed & builder(self.tokens.at(query), self.tokens.at(key), layer)
            if self.branched is not None:
                allowed = allowed & ~self.branched.at(query).never_sees(self.branched.at(key))
            if window is not None:
                allowed = allowed & (self._distance(query, key) < window)
            return allowed | (query == key)

        return seen

    def _distance(self, query: Tensor, key: Tensor) -> Tensor:
        """The distance of two tokens: by columns, but from a branch to the block it continues by position ids."""
        by_place = self.place[query] - self.place[key]
        if self.branched is None:
            return by_place
        same = self.branched.piece[query] == self.branched.piece[key]
        return torch.where(same, by_place, self.positions[query] - self.positions[key])

    def masks(self, builder: MaskBuilder | None, layer: int, window: int | None) -> list[Tensor | None]:
        """A mask ``g q k`` bool for each group; None where its rows are causal and nothing else."""
        sees, device = self.sees(builder, layer, window), self.sample.device
        return [
            None if self._is_causal(group, builder, window) else _mask(group, sees, device) for group in self.groups
        ]

    def _is_causal(self, group: Group, builder: MaskBuilder | None, window: int | None) -> bool:
        return builder is None and group.keys is None and (window is None or group.width <= window)


def _mask(group: Group, sees: Callable[[Tensor, Tensor], Tensor], device: torch.device) -> Tensor:
    query = group.queries(device)
    key = query if group.keys is None else group.keys
    seen = sees(query[:, :, None], key[:, None, :])
    return seen if group.hidden is None else seen & ~group.hidden[:, None, :]
