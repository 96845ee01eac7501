"""The loss terms between two log lines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed

from jepa_core.objective.objective import ObjectiveOutput

#: A whole number; of several processes one that stays on the device.
Count = int | Tensor


@dataclass(frozen=True)
class StepCounts:
    """Of an optimizer step, over all its micro-batches and all processes: the denominators labels and pairs,
    and the real tokens that go through the transformer."""

    labels: Count
    pairs: Count
    tokens: Count


@dataclass
class LossWindow:
    """Sums the terms of the steps since the last log line, without waiting for the device.

    ntp, jepa: sums over this process's labelled tokens and counted pairs; began: when the first of the steps
    did, in seconds of ``time.monotonic``; last: (ntp, jepa) of the last step's micro-batches.
    """

    ntp: Tensor | float = 0.0
    jepa: Tensor | float = 0.0
    labels: Count = 0
    pairs: Count = 0
    tokens: Count = 0
    steps: int = 0
    began: float = 0.0
    last: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)

    def start_step(self, counts: StepCounts, began: float) -> None:
        if not self.steps:
            self.began = began
        self.labels = self.labels + counts.labels
        self.pairs = self.pairs + counts.pairs
        self.tokens = self.tokens + counts.tokens
        self.steps += 1
        self.last = []

    def leave_out(self, seconds: float) -> None:
        """Time that was not spent training."""
        self.began += seconds

    def add(self, out: ObjectiveOutput, counts: StepCounts) -> None:
        """A micro-batch, whose losses were divided by the whole step's counts."""
        self.last.append((out.ntp_loss, out.jepa_loss))
        self.ntp = self.ntp + out.ntp_loss * counts.labels
        if out.jepa_loss is not None:
            self.jepa = self.jepa + out.jepa_loss * counts.pairs

    def means(self, device: torch.device) -> dict[str, float]:
        """``ntp_loss`` a labelled token, ``jepa_loss`` a counted pair (left out where none counted),
        ``jepa_pairs`` a step and ``tokens_per_second``, over all processes."""
        sums = torch.tensor([float(self.ntp), float(self.jepa)], dtype=torch.float64, device=device)
        if distributed.is_initialized():
            distributed.all_reduce(sums)
        ntp, jepa = sums.tolist()
        labels, pairs, tokens = int(self.labels), int(self.pairs), int(self.tokens)
        seconds = time.monotonic() - self.began  # the sums above have waited for the device
        logs = {
            "ntp_loss": ntp / max(labels, 1),
            "jepa_pairs": pairs / max(self.steps, 1),
            "tokens_per_second": round(tokens / seconds, 1),
        }
        return logs | ({"jepa_loss": jepa / pairs} if pairs else {})


def at_least_one(count: Count) -> Count:
    return count.clamp(min=1) if isinstance(count, Tensor) else max(count, 1)
