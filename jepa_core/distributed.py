"""What one of several processes does for all, without leaving the others waiting when it fails."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
    """The first process acts, the others wait for it. Raises its error, in the others a JepaError that says so."""
    problem: Exception | None = None
    if is_first():
        try:
            action()
        except Exception as error:  # whatever it is, the others must not wait for what won't come
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


@contextmanager
def meeting(seconds: float) -> Iterator[None]:
    """Ends this process, with a line that says why, where the others are not met within so many seconds.

    torch's limit holds for one try of several. It waits in C++, where no exception reaches it, for others that may
    have been killed with their launcher. Alone there is nobody to meet.
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
