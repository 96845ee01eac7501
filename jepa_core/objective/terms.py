"""The result of an objective: a loss, and the terms that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

NTP = "ntp"

#: A count, whole unless pairs are weighted; in several processes a tensor that stays on the device.
Count = int | float | Tensor


@dataclass(frozen=True)
class Term:
    """A term of the loss in one batch. sum: a scalar without gradient, over everything it counts; count: of labelled
    tokens or pairs; weight: in the loss."""

    sum: Tensor
    count: int
    weight: float


@dataclass(frozen=True)
class ObjectiveOutput:
    """loss: a scalar; terms: by name, those that count something in this batch; means: by name, each term's sum over
    the denominator in the loss."""

    loss: Tensor
    terms: Mapping[str, Term]
    means: Mapping[str, Tensor]
    jepa: tuple[str, ...] = ("jepa",)

    @property
    def ntp_loss(self) -> Tensor:
        """The mean cross-entropy of labelled tokens; 0 where there is none."""
        return self.means[NTP]

    @property
    def jepa_loss(self) -> Tensor | None:
        """The mean distance of the first JEPA term's pairs; None where no pair counts."""
        return self.means.get(self.jepa[0])

    @property
    def jepa_pairs(self) -> int:
        """Counted pairs of all JEPA terms."""
        return sum(self.terms[name].count for name in self.jepa if name in self.terms)
