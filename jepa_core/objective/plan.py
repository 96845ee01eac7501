"""The plan of a batch: what will run, decided before any weight is touched.

It costs no model time and is made on the host, so a trainer can make the plans of a whole optimizer step
first and know its denominators.

Axes: ``b`` batch, ``m`` rows of a block, ``w`` its width, ``n`` samples whose pair counts, ``l`` labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.objective.arrangement import Arrangement, Block
from jepa_core.samples.movable import Movable
from jepa_core.samples.samples import IGNORE, PAD, PRED, Samples


@dataclass(frozen=True)
class PlannedView(Movable):
    """The place of a view's tokens: rows ``n`` of ``blocks[block]``, and select ``n w`` of their columns."""

    block: int
    rows: Tensor
    select: Tensor


@dataclass(frozen=True)
class PlannedPair(Movable):
    """A pair of views. same: ``n`` int64, equal where the targets have the same tokens; candidate: ``n`` int64, the
    number of each target among the task's candidates; right: ``n a`` int64, what `same` is for everything that
    answers the question, right_candidates: the same as `candidate`; all None where the distance does not ask for them;
    weight: ``n``, how much each pair counts; None: 1."""

    source: PlannedView
    target: PlannedView
    same: Tensor | None = None
    candidate: Tensor | None = None
    right: Tensor | None = None
    right_candidates: Tensor | None = None
    weight: Tensor | None = None

    def __iter__(self) -> Iterator[PlannedView]:
        return iter((self.source, self.target))


@dataclass(frozen=True)
class PlannedTerm(Movable):
    """The samples that pay a JEPA term. samples: how many; pairs: pairs of views, each of all these samples; weighed:
    the sum of the pairs' weights, where they have any."""

    pairs: tuple[PlannedPair, ...]
    samples: int
    weighed: float | None = None

    @property
    def count(self) -> int:
        """Counted pairs."""
        return self.samples * len(self.pairs)

    @property
    def denominator(self) -> int | float:
        """Counted pairs, or the sum of their weights."""
        return self.count if self.weighed is None else self.weighed


@dataclass(frozen=True)
class PlannedLabels(Movable):
    """Labels of ``blocks[block]``. rows, columns: ``l``, places of the states that predict them; ids: ``l``, labels."""

    block: int
    rows: Tensor
    columns: Tensor
    ids: Tensor

    @classmethod
    def of(cls, block: int, labels: Tensor) -> PlannedLabels:
        """Takes the labels from unshifted ones ``m w``: each is predicted by the token before it."""
        rows, columns = (labels[:, 1:] != IGNORE).nonzero(as_tuple=True)
        return cls(block, rows, columns, labels[rows, columns + 1])


@dataclass(frozen=True)
class PlannedRecall(Movable):
    """The questions of one transformer call, as places in its own tokens, laid flat. tokens: ``q w``, those of the
    rows that ask; question: ``q w`` bool; tags: ``q w``; answers: ``a``, the places of answers; row: ``a``, the row
    of each."""

    tokens: Tensor
    question: Tensor
    tags: Tensor
    answers: Tensor
    row: Tensor


@dataclass(frozen=True)
class Plan(Movable):
    """blocks[0] are the samples themselves; terms: one for each JEPA term; labels: those of the samples first, then
    those of second views; step: the optimizer step, counted from 0; arrangement: how the blocks share calls; reads: for
    each call the tokens, flat, whose final state something reads; recalls: the questions of each call.
    """

    blocks: tuple[Block, ...]
    terms: tuple[PlannedTerm, ...]
    labels_by_block: tuple[PlannedLabels, ...]
    arrangement: Arrangement
    step: int = 0
    reads: tuple[Tensor, ...] = ()
    recalls: tuple[PlannedRecall, ...] = ()

    @property
    def pairs(self) -> tuple[PlannedPair, ...]:
        """The pairs of views of all terms."""
        return tuple(pair for term in self.terms for pair in term.pairs)

    @property
    def jepa_pairs(self) -> int:
        """Counted pairs of all terms."""
        return sum(term.count for term in self.terms)

    @property
    def labels(self) -> int:
        """Labelled tokens, the denominator of NTP."""
        return sum(each.ids.shape[0] for each in self.labels_by_block)

    @property
    def own_labels(self) -> PlannedLabels:
        """The labels of the samples themselves."""
        return self.labels_by_block[0]

    @property
    def labelled(self) -> tuple[Tensor, Tensor]:
        """All labels, those of the samples first: the place of the hidden state that predicts each, among the ``f``
        tokens of all calls, and its id."""
        places = [self.arrangement.places[each.block][each.rows, each.columns] for each in self.labels_by_block]
        return torch.cat(places), torch.cat([each.ids for each in self.labels_by_block])

    @property
    def tokens(self) -> int:
        """Real tokens that go through the transformer."""
        return sum(int((block.tags != PAD).sum()) for block in self.blocks)

    @property
    def padded_tokens(self) -> int:
        """Tokens that go through the transformer, padding included."""
        return sum(call.ids.numel() for call in self.arrangement.calls)


def append_predictors(samples: Samples, pred_ids: Tensor) -> Samples:
    """Puts the predictor tokens ``k`` after each row's last real token: ``b s`` becomes ``b s+k``."""
    if not len(pred_ids) or not len(samples):
        return samples
    room = torch.full((len(samples), len(pred_ids)), PAD, device=samples.ids.device)
    places = samples.valid.sum(dim=1, keepdim=True) + torch.arange(len(pred_ids), device=samples.ids.device)
    ids = torch.cat([samples.ids, room], dim=1).scatter(1, places, pred_ids.expand(len(samples), -1))
    tags = torch.cat([samples.tags, room], dim=1).scatter(1, places, PRED)
    return Samples(ids, tags)


def only_predictors(rows: int, pred_ids: Tensor) -> Samples:
    """The predictor tokens by themselves, ``rows k``."""
    return Samples(pred_ids.expand(rows, -1), torch.full((rows, len(pred_ids)), PRED, device=pred_ids.device))
