"""The targets that answer each question, as far as the training samples say: a question may have several.

Axes: ``f`` samples, ``n`` pairs, ``a`` answers of the one that has most of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RightAnswers:
    """The answers of questions. questions: ``f`` int64, ascending, a hash of each question's tokens; targets: ``f``,
    those of its answers (:func:`~jepa_core.samples.draws.sequence_ids`).

    >>> right = RightAnswers.of([(torch.tensor([7, 5, 7]), torch.tensor([70, 50, 71]))])
    >>> right.among(torch.tensor([7, 5, 6]), torch.tensor([71, 50, 60])).tolist()
    [[70, 71], [50, 50], [60, 60]]
    """

    questions: Tensor
    targets: Tensor

    @classmethod
    def of(cls, parts: Iterable[tuple[Tensor, Tensor]]) -> RightAnswers:
        """Sorts the questions and the targets of samples, which come part by part."""
        questions, targets = (torch.cat(side) for side in zip(*parts, strict=True))
        ordered, order = questions.sort(stable=True)
        return cls(ordered, targets[order])

    def among(self, asked: Tensor, own: Tensor) -> Tensor:
        """Lists everything that answers each question ``n``, filled up with its `own` answer ``n``: ``n a``."""
        first, after = (torch.searchsorted(self.questions, asked, right=side) for side in (False, True))
        most = max([1, *(after - first).tolist()])
        places = first[:, None] + torch.arange(most)
        found = self.targets[places.clamp(max=len(self.targets) - 1)]
        return found.where(places < after[:, None], own[:, None])
