"""Code run in a forked child, which may be killed: torch need not be imported again."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable

import torch

PATIENCE = 120.0


class Child:
    """Runs `action` in a child. Its exit status is what `action` raises as SystemExit, 0, or 1 for an error."""

    def __init__(self, action: Callable[[], object]):
        self.pid = os.fork()
        if self.pid == 0:
            torch.set_num_threads(1)
            status = 1
            try:
                for number in (signal.SIGINT, signal.SIGTERM):
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
    """As kill -9 does: nothing is cleaned up, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)
