"""The steps between the naive way and ours, each with one saving more, and the least that any way must compute.

Axes: ``b`` samples, ``n`` those that pay the JEPA loss, ``w`` width, ``l`` labelled tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from benchmarks.yardsticks import Ragged, Rows, Yardstick


@dataclass(frozen=True)
class Savings(Yardstick):
    """Each method has the savings of those above it. For samples that are their own source."""

    def labels_alone(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Two passes, with logits at labelled tokens alone."""
        hidden = self._base(input_ids=rows.samples.ids, attention_mask=rows.samples.valid)
        return self._labelled_ntp(hidden, rows.labels), self.packed_pass(rows)

    def one_pass(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Sample, predictors and second view in one row under a dense mask."""
        first, targets = self._predicting(rows.samples), rows.targets
        second = torch.zeros(len(rows.labels), targets.ids.shape[1], dtype=torch.int64)
        lengths = torch.zeros(len(rows.labels), dtype=torch.int64)
        second[rows.eligible], lengths[rows.eligible] = targets.ids, targets.lengths
        ids, mask, positions, ends = self._pack(first, Ragged(second, lengths))
        hidden = self._base(input_ids=ids, attention_mask=mask, position_ids=positions)
        paying = hidden[rows.eligible]
        jepa = self._distance(paying, ends[0][rows.eligible], paying, ends[1][rows.eligible])
        return self._labelled_ntp(hidden, rows.labels), jepa

    def rows_of_one_width(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Every block in a row of its own, without a mask, padded to the longest."""
        with_predictors = self._predicting(rows.samples)
        plain = pad(rows.samples.ids, (0, self.k))
        first = torch.where(rows.eligible[:, None], with_predictors.ids, plain)
        second = pad(rows.targets.ids, (0, first.shape[1] - rows.targets.ids.shape[1]))
        own, target = self._base(input_ids=torch.cat([first, second])).split([len(first), len(second)])
        ends = with_predictors.lengths[rows.eligible] - 1
        jepa = self._distance(own[rows.eligible], ends, target, rows.targets.lengths - 1)
        return self._labelled_ntp(own, rows.labels), jepa

    def _base(self, **inputs: Tensor) -> Tensor:
        """The final hidden states."""
        return self.model.base_model(**inputs, use_cache=False).last_hidden_state  # type: ignore[operator]

    def _labelled_ntp(self, hidden: Tensor, labels: Tensor) -> Tensor:
        which, column = (labels[:, 1:] != -100).nonzero(as_tuple=True)
        logits = self.model.lm_head(hidden[which, column])  # type: ignore[operator]
        return cross_entropy(logits.float(), labels[which, column + 1])


def floor(rows: Rows, k: int, layers: int, width: int, vocabulary: int) -> int:
    """Floating-point operations of a step below which no layout gets: every token once, up to the last that a loss
    reads, attention to what it sees and no further; in the last layer keys and values of all, the rest only where
    a loss reads; logits at labels. Backward counts twice forward.

    A multiply-add is two; a GPT-2 block has 4 d² weights in its attention and 8 d² in its MLP.
    """
    total = 0
    labels = (rows.labels[:, 1:] != -100).sum(dim=1)
    for length, pays, labelled in zip(
        rows.samples.lengths.tolist(), rows.eligible.tolist(), labels.tolist(), strict=True
    ):
        tokens = length + k if pays else length - 1  # the last token predicts nothing
        total += _block(tokens, labelled + pays, layers, width) + 2 * width * vocabulary * labelled
        total += _block(length, 1, layers, width) if pays else 0
    return 3 * total


def _block(tokens: int, read: int, layers: int, width: int) -> int:
    """Forward operations of a block of so many tokens, of which the last ones are read."""
    full = layers - 1
    products = full * 24 * width**2 * tokens + 4 * width**2 * tokens + 20 * width**2 * read
    seen = tokens * (tokens + 1) // 2
    seen_by_read = read * tokens - read * (read - 1) // 2
    return products + 4 * width * (full * seen + seen_by_read)
