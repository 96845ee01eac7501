"""What one of several processes does for all, without leaving the others waiting when it fails."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import distributed

from jepa_core.errors import JepaError


def is_first() -> bool:
    return not distributed.is_initialized() or distributed.get_rank() == 0


def any_process(flag: bool, device: torch.device) -> bool:
    """Is it so in any of the processes; all of them have to ask."""
    if not distributed.is_initialized():
        return flag
    found = torch.tensor(int(flag), device=device)
    distributed.all_reduce(found, op=distributed.ReduceOp.MAX)
    return bool(found)


def by_first(action: Callable[[], object], device: torch.device) -> None:
    """The first process acts, the others wait for it. Raises its JepaError, in the others one that says so."""
    problem: JepaError | None = None
    if is_first():
        try:
            action()
        except JepaError as error:
            problem = error
    if any_process(problem is not None, device):
        raise problem or JepaError("stopped, because the first process failed")


def from_first(number: int, device: torch.device) -> int:
    """The number that the first process has, in all of them."""
    if not distributed.is_initialized():
        return number
    found = torch.tensor(number, device=device)
    distributed.broadcast(found, src=0)
    return int(found)
