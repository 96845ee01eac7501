"""The watch for NaN and infinity: a bad step changes nothing, and the host hears of it later.

Every step's terms are checked on the device. The finding stays there, as a tensor that the optimizer reads
in place of the host, so no step waits for the device. An update can make weights that are not finite out of
terms that are: so the weights themselves are checked before they are evaluated or saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from jepa_core.distributed import any_process
from jepa_core.errors import JepaError
from jepa_core.tensors import part_here

ADVICE = "a smaller learning_rate, a larger adam_epsilon or a max_grad_norm may help"


class NonFiniteError(JepaError):
    """A loss term, the gradient or a weight became NaN or infinite; nothing of that is saved."""


class FiniteWatch:
    """Remembers the first step that was not finite, and keeps it and all later steps away from the weights.

    names: of the loss terms; of several that go wrong at once, the first in this order is told.
    found: fp32 scalar on the device, 1 from the first bad step on; first: int64 scalar there, 0, or that step
    and its term in one number. In several processes both are the same in all of them.
    """

    def __init__(self, device: torch.device, names: Sequence[str]):
        self.terms = ("gradient", *(f"{name}_loss" for name in reversed(names)))
        self._numbered = [(number, name) for number, name in enumerate(reversed(names), start=2)]
        self._sent: dict[tuple[int, ...], Tensor] = {}
        self.found = torch.zeros((), device=device)
        self.first = torch.zeros((), dtype=torch.int64, device=device)

    def _on_device(self, numbers: tuple[int, ...]) -> Tensor:
        """The numbers as a tensor on the device; sent once for each combination of terms."""
        if numbers not in self._sent:
            self._sent[numbers] = torch.tensor(numbers, device=self.found.device)
        return self._sent[numbers]

    def look(self, step: int, losses: Sequence[Mapping[str, Tensor]], gradient_norm: Tensor) -> None:
        """Checks a step. step: its number, from 1; losses: the terms of each of its micro-batches, by name."""
        found = [(number, means[name]) for number, name in self._numbered for means in losses if name in means]
        numbers, values = zip((1, gradient_norm), *found, strict=True)
        worst = (~torch.stack([value.detach() for value in values]).isfinite() * self._on_device(numbers)).amax()
        if distributed.is_initialized():  # a loss can be infinite in one process and leave a finite gradient
            distributed.all_reduce(worst, op=distributed.ReduceOp.MAX)
        here = (step * (len(self.terms) + 1) + worst) * (worst > 0)
        self.first.copy_(self.first.where(self.first > 0, here))
        self.found.copy_(self.first > 0)

    def guard(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        """Keeps a bad gradient from weights and optimizer state in the coming optimizer step.

        A fused optimizer reads `found` itself. For any other the host waits for `found`, and clears the gradients,
        since optimizers skip parameters without one.
        """
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            fused: Any = optimizer  # torch.amp.GradScaler's way in
            fused.found_inf = self.found
        elif self.found:
            model.zero_grad(set_to_none=True)

    def check(self, model: nn.Module | None = None) -> None:
        """Waits for the device. Raises NonFiniteError, with step and term, when a step was not finite.

        model: checked then, to tell a step that was bad itself from one with weights that were bad before.
        """
        step, worst = divmod(int(self.first), len(self.terms) + 1)
        if worst:
            told = f"{self.terms[worst - 1]} is not finite at step {step}; the weights are those of step {step - 1}"
            if model is not None and (bad := first_bad(model)):
                told += f", whose update made them so: {bad} is not finite"
            raise NonFiniteError(f"{told} ({ADVICE})")

    def check_weights(self, step: int, model: nn.Module) -> None:
        """Waits for the device. Raises NonFiniteError, in all processes, when one of the weights after this
        many steps is not finite."""
        bad = first_bad(model)
        if any_process(bool(bad), self.found.device):
            what = f"the weight {bad}" if bad else "a weight of another process"
            raise NonFiniteError(f"{what} is not finite after step {step}; nothing was saved of it ({ADVICE})")


@torch.no_grad()
def first_bad(model: nn.Module) -> str:
    """The name of the first parameter that is not finite everywhere; empty where all are."""
    names, parameters = zip(*model.named_parameters(), strict=True)
    bad = 1 - torch.stack([part_here(p).isfinite().all() for p in parameters]).long()
    return names[int(bad.argmax())] if bad.any() else ""
