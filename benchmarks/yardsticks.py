"""The step as others lay it out, on the same model, data and optimizer as ours.

Written with whole-batch operations and without reading a loss back, so that what is compared is the layout. All
position ids start at 0 in every block, as each of these layouts can have it.

Axes: ``b`` samples, ``n`` those that pay the JEPA loss, ``w`` width, ``t`` width of packed rows, ``k`` predictors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, pad


@dataclass(frozen=True)
class Ragged:
    """Token rows on the host. ids: ``r w``, padded on the right; lengths: ``r``."""

    ids: Tensor
    lengths: Tensor

    def __getitem__(self, chosen: Tensor) -> Ragged:
        return Ragged(self.ids[chosen], self.lengths[chosen])

    @property
    def valid(self) -> Tensor:
        """``r w`` int64, 1 at tokens."""
        return (torch.arange(self.ids.shape[1]) < self.lengths[:, None]).long()

    def followed_by(self, token: int, times: int) -> Ragged:
        """Puts `times` copies of a token after the last one of every row."""
        ids, length = pad(self.ids, (0, times)), self.lengths[:, None]
        place = torch.arange(ids.shape[1])
        return Ragged(torch.where((place >= length) & (place < length + times), token, ids), self.lengths + times)


@dataclass(frozen=True)
class Rows:
    """A batch on the host. samples: ``b`` rows; labels: ``b w``; eligible: ``b`` bool; sources, targets: ``n`` rows,
    the two views of every sample that pays."""

    samples: Ragged
    labels: Tensor
    eligible: Tensor
    sources: Ragged
    targets: Ragged


def of_facts(ids: Tensor, labels: Tensor, heads: Tensor, tails: Tensor, eligible: Tensor) -> Rows:
    """ids, labels: ``b w``; heads, tails: ``b``, tokens of the two spans, between which relation and mask token stand.

    The source is the sample itself, the target its reversal.
    """
    samples = Ragged(ids, heads + tails + 2)
    targets = Ragged(reversed_ids(ids, heads, tails), samples.lengths)
    return Rows(samples, labels, eligible, samples[eligible], targets[eligible])


def reversed_ids(ids: Tensor, heads: Tensor, tails: Tensor) -> Tensor:
    """``b w``: tail, the relation's inverse, mask, head; relations follow the mask token's id in pairs."""
    width, head, tail = ids.shape[1], heads[:, None], tails[:, None]
    place = torch.arange(width).expand_as(ids)
    source = place - tail - 2
    source = torch.where(place < tail, place + head + 2, source)
    source = torch.where(place == tail + 1, head + 1, source)
    moved = ids.gather(1, source.clamp(0, width - 1))
    relation, first = ids.gather(1, head), ids.gather(1, head + 1) + 1
    return torch.where(place == tail, first + ((relation - first) ^ 1), moved)


@dataclass(frozen=True)
class Yardstick:
    """model: a plain causal language model; pred: the id of the k predictor tokens; width: to which the public layout
    pads its rows, None: to the longest of the batch."""

    model: nn.Module
    device: str
    pred: int
    k: int
    width: int | None = None

    def two_passes(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """(ntp, jepa): a language-model pass with logits everywhere, then a packed pass under a dense 4-D mask, through
        the model without its head."""
        samples = rows.samples
        logits = self.model(input_ids=self._to(samples.ids), attention_mask=self._to(samples.valid)).logits
        return self._ntp(logits, rows.labels), self.packed_pass(rows)

    def packed_pass(self, rows: Rows) -> Tensor:
        """The mean distance alone."""
        ids, mask, positions, ends = self._pack(self._predicting(rows.sources), rows.targets)
        hidden = self.model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions).last_hidden_state
        return self._distance(hidden, ends[0], hidden, ends[1])

    def two_model_calls(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The same with the whole model called twice, and all its hidden states asked for, as tutorials have it."""
        samples = rows.samples
        logits = self.model(
            input_ids=self._to(samples.ids), attention_mask=self._to(samples.valid), output_hidden_states=True
        ).logits
        ids, mask, positions, ends = self._pack(self._predicting(rows.sources), rows.targets)
        out = self.model(input_ids=ids, attention_mask=mask, position_ids=positions, output_hidden_states=True)
        hidden = out.hidden_states[-1]
        return self._ntp(logits, rows.labels), self._distance(hidden, ends[0], hidden, ends[1])

    def padded(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The public code's layout: conversation, source and target as rows of one call, hidden states of all layers
        and logits everywhere."""
        sources = self._predicting(rows.sources)
        parts = (rows.samples, sources, rows.targets)
        width = self.width or max(part.ids.shape[1] for part in parts)
        every = Ragged(
            torch.cat([_widened(part.ids, width) for part in parts]), torch.cat([part.lengths for part in parts])
        )
        out = self.model(input_ids=self._to(every.ids), attention_mask=self._to(every.valid), output_hidden_states=True)
        batch, pairs = len(rows.labels), len(sources.lengths)
        _, predicted, target = out.hidden_states[-1].split([batch, pairs, pairs])
        jepa = self._distance(predicted, sources.lengths - 1, target, rows.targets.lengths - 1)
        return self._ntp(out.logits[:batch], _widened(rows.labels, width, -100)), jepa

    def padded_packed(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The public code's other layout: source and target share a row under a dense mask; two rows a sample."""
        ids, mask, positions, ends = self._pack(self._predicting(rows.sources), rows.targets)
        batch, width = len(rows.labels), ids.shape[1]
        plain = torch.ones(width, width, dtype=torch.bool).tril().expand(batch, 1, -1, -1)
        out = self.model(
            input_ids=torch.cat([self._to(_widened(rows.samples.ids, width)), ids]),
            attention_mask=torch.cat([self._to(plain), mask]),
            position_ids=torch.cat([self._to(torch.arange(width).expand(batch, -1)), positions]),
            output_hidden_states=True,
        )
        hidden = out.hidden_states[-1][batch:]
        jepa = self._distance(hidden, ends[0], hidden, ends[1])
        return self._ntp(out.logits[:batch], _widened(rows.labels, width, -100)), jepa

    def _predicting(self, sources: Ragged) -> Ragged:
        return sources.followed_by(self.pred, self.k)

    def _pack(self, first: Ragged, second: Ragged) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Packs both in one row; returns ids ``n t``, the mask ``n 1 t t`` and position ids ``n t`` on the device, and
        the ends of the two blocks."""
        width = first.ids.shape[1] + second.ids.shape[1]
        place, start = torch.arange(width).expand(len(first.ids), -1), first.lengths[:, None]
        end = start + second.lengths[:, None]
        moved = _widened(second.ids, width).gather(1, (place - start).clamp(min=0))
        ids = torch.where(place < start, _widened(first.ids, width), moved)
        block, real = self._to((place >= start).long()), self._to(place < end)
        causal = torch.ones(width, width, dtype=torch.bool, device=self.device).tril()
        itself = torch.eye(width, dtype=torch.bool, device=self.device)
        mask = (block[:, :, None] == block[:, None, :]) & real[:, None, :] & causal | itself
        positions = torch.where(place >= start, place - start, place)
        return self._to(ids), mask[:, None], self._to(positions), (start[:, 0] - 1, end[:, 0] - 1)

    def _distance(self, predicted: Tensor, at: Tensor, target: Tensor, end: Tensor) -> Tensor:
        which = torch.arange(len(at), device=self.device)
        return (1 - cosine_similarity(predicted[which, self._to(at)], target[which, self._to(end)]).float()).mean()

    def _ntp(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits[:, :-1].flatten(0, 1).float(), self._to(labels[:, 1:].flatten()), ignore_index=-100)

    def _to(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)


def _widened(values: Tensor, width: int, fill: int = 0) -> Tensor:
    return pad(values, (0, width - values.shape[1]), value=fill)
