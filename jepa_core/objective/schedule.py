"""A weight that changes over the steps of a run."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """A weight that goes from `start` at step 0 to `end` at step `steps` and after: along a line, along half a cosine
    wave, or at once at the end (``step``).

    >>> [Schedule(0.0, 1.0, 4, "linear").at(step) for step in (0, 1, 4, 9)]
    [0.0, 0.25, 1.0, 1.0]
    """

    start: float
    end: float
    steps: int
    shape: Literal["linear", "cosine", "step"] = "linear"

    def at(self, step: int) -> float:
        """The weight in this optimizer step, counted from 0."""
        done = min(step / self.steps, 1.0)
        if self.shape == "cosine":
            done = (1 - cos(pi * done)) / 2
        elif self.shape == "step":
            done = float(done >= 1)
        return self.start + (self.end - self.start) * done

    @property
    def ever(self) -> bool:
        """Tells whether it is above 0 at any step."""
        return self.start > 0 or self.end > 0


def weight_at(weight: float | Schedule, step: int) -> float:
    return weight.at(step) if isinstance(weight, Schedule) else weight


def ever_counts(weight: float | Schedule) -> bool:
    """Tells whether a weight, or a schedule of one, is above 0 at any step."""
    return weight.ever if isinstance(weight, Schedule) else weight > 0
