"""Processes that make batches: no signal ends them, the training process does."""

from __future__ import annotations

import os
import signal
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.popen_fork import Popen
from typing import Any

from jepa_core.signals import SIGNALS

#: What the training process ends one with; a terminal that sends it to all ends the training process too.
END = signal.SIGQUIT


def ignore_signals(worker: int) -> None:
    """Ignores the signals that stop a run: a terminal or a job manager sends them to every process of it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(END, lambda number, frame: os._exit(0))  # any other end PyTorch takes for a failure


class _Ended(Popen):
    def terminate(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, END)


class _LoaderProcess(ForkProcess):
    """Ends when it is told to. Python tells its processes with SIGTERM when it exits, after an error too, and waits for
    them; one that ignores SIGTERM it would wait for for ever."""

    @staticmethod
    def _Popen(process_obj: Any) -> Popen:
        return _Ended(process_obj)


class LoaderContext(ForkContext):
    """Makes loader processes; forked, they share what the training process has in memory."""

    Process = _LoaderProcess
