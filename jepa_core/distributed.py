"""Agreement between processes: one or all of them act, and none is left waiting when another fails."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed

from jepa_core.errors import JepaError
from jepa_core.signals import Terminated


def rank_and_world() -> tuple[int, int]:
    """Tell the number of this process, and how many there are; 0 and 1 for a process alone."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def is_first() -> bool:
    return rank_and_world()[0] == 0


def any_process(flag: bool, device: torch.device) -> bool:
    """Tells whether `flag` is set in any of the processes; every process has to call this."""
    if not distributed.is_initialized():
        return flag
    found = torch.tensor(int(flag), device=device)
    distributed.all_reduce(found, op=distributed.ReduceOp.MAX)
    return bool(found)


def by_first(action: Callable[[], object], device: torch.device) -> None:
    """Acts in the first process while the others wait. Raises its error there, and a JepaError in the others."""
    _together(action if is_first() else None, "the first process", device)


def by_all(action: Callable[[], object], device: torch.device) -> None:
    """Acts in every process. One that fails raises its error, the others a JepaError that says so."""
    _together(action, "another process", device)


def _together(action: Callable[[], object] | None, other: str, device: torch.device) -> None:
    problem: BaseException | None = None
    try:
        if action is not None:
            action()
    except (Exception, Terminated) as error:  # of any kind: the others must not wait in vain
        problem = error
    if any_process(problem is not None, device):
        raise problem or JepaError(f"stopped, because {other} failed")


def from_first(number: int, device: torch.device) -> int:
    """Returns the first process's number in all of them."""
    if not distributed.is_initialized():
        return number
    found = torch.tensor(number, device=device)
    distributed.broadcast(found, src=0)
    return int(found)


def host_group() -> distributed.ProcessGroup:
    """The group in which processes agree without waiting for a device. Every process has to call this."""
    if distributed.get_backend() == "gloo":
        return distributed.distributed_c10d._get_default_group()
    return distributed.new_group(backend="gloo")


def of_all(numbers: list[int], group: distributed.ProcessGroup) -> list[list[int]]:
    """Gathers every process's numbers, in the order of their ranks."""
    own = torch.tensor(numbers)
    found = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(found, own, group=group)
    return [each.tolist() for each in found]


def largest(number: int, group: distributed.ProcessGroup) -> int:
    """The largest of the numbers that the processes have."""
    found = torch.tensor(number)
    distributed.all_reduce(found, op=distributed.ReduceOp.MAX, group=group)
    return int(found)


class _Rows(torch.autograd.Function):
    """Gathers the rows of all processes; a row's gradient is the sum of its gradients in all of them."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: list[int]) -> Tensor:
        before = sum(counts[: distributed.get_rank()])
        ctx.own = slice(before, before + len(rows))
        padded = rows.new_zeros(max(counts), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        return total[ctx.own], None


def rows_of_all(rows: Tensor, counts: list[int]) -> Tensor:
    """Gathers ``n …`` of each process, in the order of ranks, with gradient. counts: each process's ``n``."""
    found: Tensor = _Rows.apply(rows, counts)
    return found


@contextmanager
def meeting(seconds: float) -> Iterator[None]:
    """Ends this process, with a line that says why, if it does not meet the others within so many seconds.

    torch's limit holds for each of several tries, and it waits in C++, where no exception reaches it, for processes
    that may have been killed with their launcher. A process alone has nobody to meet.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or distributed.is_initialized():
        yield
        return
    patience = threading.Timer(seconds, _give_up, [seconds])
    patience.daemon = True
    patience.start()
    try:
        yield
    finally:
        patience.cancel()


def _give_up(seconds: float) -> None:
    who = f"process {os.environ.get('RANK', '?')}"
    try:
        print(f"jepa-run: {who} did not meet the others within {seconds:g} seconds", file=sys.stderr, flush=True)
    finally:
        os._exit(1)
