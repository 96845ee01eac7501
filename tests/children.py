"""Code run in a forked child, which may be killed: torch need not be imported again."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

import torch
from accelerate.state import AcceleratorState, GradientState
from tqdm import tqdm

PATIENCE = 120.0


class Child:
    """Runs `action` in a child. Its exit status is what `action` raises as SystemExit, 0, or 1 for an error."""

    def __init__(self, action: Callable[[], object]):
        self.pid = os.fork()
        if self.pid == 0:
            torch.set_num_threads(1)
            tqdm.set_lock(threading.RLock())  # the one of now is shared with the parent, who would wait for it for ever
            status = 1
            try:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                    signal.signal(number, default)
                action()
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)

    def wait(self, patience: float = PATIENCE) -> int:
        """The exit status, or minus the signal that killed it."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"the child did not end within {patience} seconds")


def in_child(action: Callable[[], object]) -> int:
    return Child(action).wait()


def die() -> None:
    """Dies as by kill -9: nothing is cleaned up, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def together(count: int, action: Callable[[int], object], patience: float = 60.0) -> list[int]:
    """The exit statuses of processes that train together, as torchrun would start them."""
    return [child.wait(patience) for child in start_together(count, action)]


def start_together(count: int, action: Callable[[int], object]) -> list[Child]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def one(rank: int) -> None:
        os.environ |= {
            "WORLD_SIZE": str(count),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "LOCAL_WORLD_SIZE": str(count),
        }
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        action(rank)

    return [Child(partial(one, rank)) for rank in range(count)]
