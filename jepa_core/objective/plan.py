"""The plan of a batch: what will run, decided before any weight is touched.

It costs no model time and is made on the host, so a trainer can make the plans of a whole optimizer step
first and know its denominators.

Axes: ``b`` batch, ``m`` rows of a block, ``w`` its width, ``n`` samples whose pair counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.objective.arrangement import Arrangement, Block
from jepa_core.samples.movable import Movable
from jepa_core.samples.samples import IGNORE, Facts, Role


@dataclass(frozen=True)
class PlannedView(Movable):
    """Where a view's tokens are: rows ``n`` of ``blocks[block]``, and select ``n w`` of their columns."""

    block: int
    rows: Tensor
    select: Tensor


@dataclass(frozen=True)
class PlannedLabels(Movable):
    """Labels of a block. rows, columns: ``l``, where in ``blocks[block]`` the hidden states stand that
    predict them; ids: ``l``, the labels."""

    block: int
    rows: Tensor
    columns: Tensor
    ids: Tensor

    @classmethod
    def of(cls, block: int, labels: Tensor) -> PlannedLabels:
        """Of unshifted labels ``m w``: each is predicted by the token before it."""
        rows, columns = (labels[:, 1:] != IGNORE).nonzero(as_tuple=True)
        return cls(block, rows, columns, labels[rows, columns + 1])


@dataclass(frozen=True)
class Plan(Movable):
    """blocks[0] are the facts themselves; pairs: (source, target) for each pair that a sample has.

    label_rows, label_columns: ``l``, where in blocks[0] the hidden states stand that predict a label;
    label_ids: ``l``, these labels; view_labels: those of second views, where they have any; jepa_pairs: counted
    pairs; arrangement: how the blocks share calls; reads: for each call the tokens, flat, whose final state
    something reads.
    """

    blocks: tuple[Block, ...]
    pairs: tuple[tuple[PlannedView, PlannedView], ...]
    label_rows: Tensor
    label_columns: Tensor
    label_ids: Tensor
    jepa_pairs: int
    arrangement: Arrangement
    view_labels: tuple[PlannedLabels, ...] = ()
    reads: tuple[Tensor, ...] = ()

    @property
    def labels(self) -> int:
        """Labelled tokens, the denominator of NTP."""
        return sum(of.ids.shape[0] for of in self.labels_by_block)

    @property
    def labels_by_block(self) -> tuple[PlannedLabels, ...]:
        """Those of the facts, then those of views."""
        return (PlannedLabels(0, self.label_rows, self.label_columns, self.label_ids), *self.view_labels)

    @property
    def labelled(self) -> tuple[Tensor, Tensor]:
        """Of every label, those of the facts first: the place of the hidden state that predicts it, among the
        ``f`` tokens of all calls, and its id."""
        places = [self.arrangement.places[of.block][of.rows, of.columns] for of in self.labels_by_block]
        return torch.cat(places), torch.cat([of.ids for of in self.labels_by_block])

    @property
    def tokens(self) -> int:
        """Real tokens that go through the transformer."""
        return sum(int((block.roles != Role.PAD).sum()) for block in self.blocks)

    @property
    def padded_tokens(self) -> int:
        """Tokens that go through the transformer, padding included."""
        return sum(call.ids.numel() for call in self.arrangement.calls)


def append_predictors(facts: Facts, pred_ids: Tensor) -> Facts:
    """With the predictor tokens ``k`` after each row's last real token: ``b s`` becomes ``b s+k``."""
    if not len(pred_ids) or not len(facts):
        return facts
    room = torch.full((len(facts), len(pred_ids)), int(Role.PAD), device=facts.ids.device)
    places = facts.valid.sum(dim=1, keepdim=True) + torch.arange(len(pred_ids), device=facts.ids.device)
    ids = torch.cat([facts.ids, room], dim=1).scatter(1, places, pred_ids.expand(len(facts), -1))
    roles = torch.cat([facts.roles, room], dim=1).scatter(1, places, int(Role.PRED))
    return Facts(ids, roles)
