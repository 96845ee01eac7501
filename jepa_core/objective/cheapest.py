"""The least work on a CPU under a plain mask, by which ``auto`` picks the layout of each batch.

Work is counted in tokens of a row without attention. The layouts were timed at widths 128 to 768, for rows of 6 to 120
tokens; counting ranks them as timing did wherever they were further apart than noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Arrange, Arrangement, Block, groups
from jepa_core.objective.flat import Flat
from jepa_core.samples.samples import PAD

#: Another transformer call costs GRADIENT + DISPATCH / width² tokens on a CPU: adding up the gradients of all weights
#: once more takes as long as GRADIENT tokens at any width, since both grow with its square, and dispatching the
#: operations of a layer is the same work at any width. Measured by splitting one call into two to four: 180 tokens
#: more at width 128, 60 at 384, 40 at 768.
GRADIENT, DISPATCH = 35, 2.4e6
#: A stream's states are copied into rows and back: a share of SPREADING / width of the work on a token.
SPREADING = 8.0
#: A token's products with weights are 24 width² operations, its attention to one other token 4 width: ATTENTION × width
#: other tokens cost as much as the weights.
ATTENTION = 6.0


def call_cost(width: int) -> float:
    """The cost of a call besides its tokens, in tokens."""
    return GRADIENT + DISPATCH / width**2


class Cheapest:
    """Arranges blocks as `packed` or `rows` does, or as a stream."""

    def __init__(self, transformer: Transformer, packed: Arrange, rows: Arrange, flat: Flat):
        self.width = transformer.width
        self.ways: dict[str, Arrange] = {"rows": rows}
        if transformer.chunk is None and not transformer.mask_problem:
            self.ways["packed"] = packed
        if flat.problem is None:
            self.ways["flat"] = flat.arrange

    def __call__(self, blocks: Sequence[Block]) -> Arrangement:
        if len(self.ways) == 1:
            return self.ways["rows"](blocks)
        costs = self.costs(blocks)
        return self.ways[min(self.ways, key=costs.__getitem__)](blocks)

    def costs(self, blocks: Sequence[Block]) -> dict[str, float]:
        """The cost of each layout, in tokens."""
        lengths = [(block.tags.cpu().numpy() != PAD).sum(axis=1) for block in blocks]
        batch, call = len(blocks[0].sample), call_cost(self.width)
        packed = batch * self._row(sum(block.ids.shape[1] for block in blocks), masked=True)
        stream = self._row(np.concatenate(lengths)).sum() + SPREADING / self.width * sum(map(np.sum, lengths))
        return {"rows": self._rows(blocks, lengths, call), "packed": packed + call, "flat": stream + call}

    def _rows(self, blocks: Sequence[Block], lengths: Sequence[np.ndarray], call: float) -> float:
        own = [i for i, block in enumerate(blocks) if block.prefix is None]
        cost = 0.0
        if len(own) < len(blocks):  # a sample and its branches share a row, under a mask
            together = [0, *(i for i in range(len(blocks)) if i not in own)]
            row = np.zeros(len(blocks[0].sample), dtype=np.int64)
            for i in together:
                row[blocks[i].sample.cpu().numpy()] += lengths[i]
            cost, own = self._grouped(row, call, masked=True), own[1:]
        return cost + self._grouped(np.concatenate([lengths[i] for i in own]), call) if own else cost

    def _grouped(self, lengths: np.ndarray, call: float, masked: bool = False) -> float:
        """The cost of rows of these lengths, where those of like length share a call."""
        cost = 0.0
        for shortest, longest in groups(lengths, call):
            count = ((lengths >= shortest) & (lengths <= longest)).sum()
            cost += count * self._row(longest, masked) + call
        return cost

    def _row(self, tokens: Any, masked: bool = False) -> Any:
        """The cost of a row, or of an array of rows, of so many `tokens`; a causal one skips half of its attention."""
        return tokens * (1 + tokens / (ATTENTION * self.width * (1 if masked else 2)))
