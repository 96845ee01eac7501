"""The loss terms between two log lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed

from jepa_core.objective.terms import NTP, Count, ObjectiveOutput


@dataclass(frozen=True)
class StepCounts:
    """The counts of an optimizer step, over all its micro-batches and all processes: the denominators of the terms
    (labelled tokens, counted pairs), samples, and the real tokens that go through the transformer."""

    terms: Mapping[str, Count]
    samples: Count
    tokens: Count

    @property
    def denominators(self) -> dict[str, Count]:
        """The terms' counts with 1 in place of 0."""
        return {name: not_zero(count) for name, count in self.terms.items()}


@dataclass
class LossWindow:
    """Sums the terms of the steps since the last log line, without waiting for the device.

    sums: of this process's terms; counts: over all processes; began: when the first of the steps did, in seconds of
    ``time.monotonic``; last: the means of the last step's micro-batches, by term.
    """

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)
    samples: Count = 0
    tokens: Count = 0
    steps: int = 0
    began: float = 0.0
    last: list[Mapping[str, Tensor]] = field(default_factory=list)

    def start_step(self, counts: StepCounts, began: float) -> None:
        if not self.steps:
            self.began = began
        self.counts = {name: self.counts.get(name, 0) + count for name, count in counts.terms.items()}
        self.samples = self.samples + counts.samples
        self.tokens = self.tokens + counts.tokens
        self.steps += 1
        self.last = []

    def leave_out(self, seconds: float) -> None:
        """Leaves out time that was not spent training."""
        self.began += seconds

    def add(self, out: ObjectiveOutput) -> None:
        """Adds a micro-batch."""
        self.last.append(out.means)
        for name, term in out.terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + term.sum

    def means(self, device: torch.device) -> dict[str, float]:
        """The log's figures over all processes: ``NAME_loss`` of every term that counted something, ``NAME_pairs`` a
        step (not for next-token prediction), samples and tokens a second."""
        names = [*self.counts]
        totals = dict(zip(names, self._totals(names, device), strict=True))
        counts = {name: float(count) for name, count in self.counts.items()}
        seconds = time.monotonic() - self.began  # the sums above have waited for the device
        logs = {f"{name}_loss": totals[name] / counts[name] for name in names if counts[name]}
        logs.setdefault("ntp_loss", 0.0)
        logs |= {f"{name}_pairs": counts[name] / max(self.steps, 1) for name in names if name != NTP}
        rates = {"samples_per_second": int(self.samples), "tokens_per_second": int(self.tokens)}
        return logs | {name: round(count / seconds, 1) for name, count in rates.items()}

    def _totals(self, names: list[str], device: torch.device) -> list[float]:
        """The terms' sums over all processes; reads the device once."""
        if not distributed.is_initialized():
            summed = [name for name in names if name in self.sums]
            found = torch.stack([torch.as_tensor(self.sums[name]) for name in summed]).tolist() if summed else []
            known = dict(zip(summed, found, strict=True))
            return [known.get(name, 0.0) for name in names]
        sums = torch.zeros(len(names), dtype=torch.float64, device=device)
        for number, name in enumerate(names):
            if name in self.sums:
                sums[number] = self.sums[name]
        distributed.all_reduce(sums)
        return sums.tolist()


def not_zero(count: Count) -> Count:
    """Makes a count a denominator: 1 where nothing counts. Counts of weighted pairs may be any number above 0."""
    return count.where(count > 0, 1) if isinstance(count, Tensor) else count or 1
