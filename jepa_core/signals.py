"""The signals that ask for an end: Ctrl-C, SIGTERM, a closed terminal; and the end of the process that started us."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Sent by a terminal that is closed, or an ssh session that ends; Windows has no such signal.
HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([HANGUP] if HANGUP else []))


class Terminated(BaseException):
    """SIGTERM or SIGHUP came while there was nothing to finish first; no error of whatever ran, as Ctrl-C is none."""

    def __init__(self, number: int) -> None:
        self.exit_status = 128 + number
        super().__init__(f"stopped by {signal.Signals(number).name}; what was saved before is as it was")


def heard() -> list[signal.Signals]:
    """The signals that this process listens to; under ``nohup`` SIGHUP is not among them."""
    return [number for number in SIGNALS if number != HANGUP or signal.getsignal(number) != signal.SIG_IGN]


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise Terminated, so that they unwind and clean up as Ctrl-C does."""
    if not in_main_thread():
        yield
        return
    before = {number: signal.signal(number, _terminate) for number in heard() if number != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_with_parent(parent: int, every: float = 0.5) -> None:
    """Sends this process SIGTERM once `parent`, which started it, is gone for whatever reason. every: seconds."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def in_main_thread() -> bool:
    """Tells whether this is the main thread, the only one that can set handlers."""
    return threading.current_thread() is threading.main_thread()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)
