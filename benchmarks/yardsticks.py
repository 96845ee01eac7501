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
class Rows:
    """A batch on the host. ids, labels: ``b w``; heads, tails: ``b``, tokens of the two entities, between which the
    relation and the mask token stand; eligible: ``b`` bool."""

    ids: Tensor
    labels: Tensor
    heads: Tensor
    tails: Tensor
    eligible: Tensor

    @property
    def lengths(self) -> Tensor:
        return self.heads + self.tails + 2

    def paying(self) -> Rows:
        kept = self.eligible
        return Rows(self.ids[kept], self.labels[kept], self.heads[kept], self.tails[kept], kept[kept])

    def reversed_ids(self) -> Tensor:
        """``b w``: tail, the relation's inverse, mask, head; relations follow the mask token's id in pairs."""
        width, head, tail = self.ids.shape[1], self.heads[:, None], self.tails[:, None]
        place = torch.arange(width).expand_as(self.ids)
        source = place - tail - 2
        source = torch.where(place < tail, place + head + 2, source)
        source = torch.where(place == tail + 1, head + 1, source)
        moved = self.ids.gather(1, source.clamp(0, width - 1))
        relation, first = self.ids.gather(1, head), self.ids.gather(1, head + 1) + 1
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
        logits = self.model(input_ids=self._to(rows.ids), attention_mask=self._to(valid(rows))).logits
        return self._ntp(logits, rows.labels), self.packed_pass(rows.paying())

    def packed_pass(self, paying: Rows) -> Tensor:
        """The mean distance alone."""
        ids, mask, positions = self._pack(paying)
        hidden = self.model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions).last_hidden_state
        return self._of_packed(paying, hidden)

    def two_model_calls(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The same with the whole model called twice, and all its hidden states asked for, as tutorials have it."""
        logits = self.model(
            input_ids=self._to(rows.ids), attention_mask=self._to(valid(rows)), output_hidden_states=True
        ).logits
        paying = rows.paying()
        ids, mask, positions = self._pack(paying)
        out = self.model(input_ids=ids, attention_mask=mask, position_ids=positions, output_hidden_states=True)
        return self._ntp(logits, rows.labels), self._of_packed(paying, out.hidden_states[-1])

    def padded(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The public code's layout: conversation, source and target as rows of one call, hidden states of all layers
        and logits everywhere."""
        paying = rows.paying()
        parts = [self._wide(rows.ids), self._with_predictors(paying), self._wide(paying.reversed_ids())]
        ids = torch.cat([pad(part, (0, self._padding(part))) for part in parts])
        lengths = torch.cat([rows.lengths, paying.lengths + self.k, paying.lengths])
        real = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
        out = self.model(input_ids=self._to(ids), attention_mask=self._to(real), output_hidden_states=True)
        _, source_rows, target_rows = out.hidden_states[-1].split([len(rows.ids), len(paying.ids), len(paying.ids)])
        jepa = self._distance(source_rows, paying.lengths + self.k - 1, target_rows, paying.lengths - 1)
        labels = pad(rows.labels, (0, ids.shape[1] - rows.labels.shape[1]), value=-100)
        return self._ntp(out.logits[: len(rows.ids)], labels), jepa

    def padded_packed(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The public code's other layout: source and target share a row under a dense mask; two rows a sample."""
        paying = rows.paying()
        ids, mask, positions = self._pack(paying)
        batch, width, more = len(rows.ids), ids.shape[1], ids.shape[1] - rows.ids.shape[1]
        plain = torch.ones(width, width, dtype=torch.bool).tril().expand(batch, 1, -1, -1)
        out = self.model(
            input_ids=torch.cat([self._to(pad(rows.ids, (0, more))), ids]),
            attention_mask=torch.cat([self._to(plain), mask]),
            position_ids=torch.cat([self._to(torch.arange(width).expand(batch, -1)), positions]),
            output_hidden_states=True,
        )
        jepa = self._of_packed(paying, out.hidden_states[-1][batch:])
        return self._ntp(out.logits[:batch], pad(rows.labels, (0, more), value=-100)), jepa

    def _of_packed(self, paying: Rows, hidden: Tensor) -> Tensor:
        """The mean distance, from the hidden states of the packed rows of `paying`."""
        return self._distance(hidden, paying.lengths + self.k - 1, hidden, 2 * paying.lengths + self.k - 1)

    def _pack(self, paying: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """ids and position ids ``n t``, and the mask ``n 1 t t``, on the device."""
        width = 2 * paying.ids.shape[1] + self.k
        place, length = torch.arange(width).expand(len(paying.ids), -1), paying.lengths[:, None]
        start = length + self.k
        second = pad(paying.reversed_ids(), (0, width - paying.ids.shape[1])).gather(1, (place - start).clamp(min=0))
        ids = torch.where(place < length, pad(paying.ids, (0, width - paying.ids.shape[1])), second)
        ids = torch.where((place >= length) & (place < start), self.pred, ids)
        block = self._to((place >= start).long())
        real = self._to(place < start + length)
        causal = torch.ones(width, width, dtype=torch.bool, device=self.device).tril()
        itself = torch.eye(width, dtype=torch.bool, device=self.device)
        mask = (block[:, :, None] == block[:, None, :]) & real[:, None, :] & causal | itself
        return self._to(ids), mask[:, None], self._to(torch.where(place >= start, place - start, place))

    def _distance(self, predicted: Tensor, at: Tensor, target: Tensor, end: Tensor) -> Tensor:
        which = torch.arange(len(at), device=self.device)
        return (1 - cosine_similarity(predicted[which, self._to(at)], target[which, self._to(end)]).float()).mean()

    def _ntp(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits[:, :-1].flatten(0, 1).float(), self._to(labels[:, 1:].flatten()), ignore_index=-100)

    def _with_predictors(self, rows: Rows) -> Tensor:
        """The samples with predictor tokens after their last one."""
        ids, length = self._wide(rows.ids), rows.lengths[:, None]
        place = torch.arange(ids.shape[1])
        return torch.where((place >= length) & (place < length + self.k), self.pred, ids)

    def _wide(self, values: Tensor) -> Tensor:
        """With room for the predictor tokens."""
        return pad(values, (0, self.k))

    def _padding(self, values: Tensor) -> int:
        return 0 if self.width is None else self.width - values.shape[1]

    def _to(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)


def valid(rows: Rows) -> Tensor:
    """``b w`` int64, 1 at tokens."""
    return (torch.arange(rows.ids.shape[1]) < rows.lengths[:, None]).long()
