"""Running tasks on a model's text in a process of their own, with a limit on time and memory.

An expression may have an automaton of 2³⁰ states, a query may count to the end of time. The kernel ends the
process by an alarm, whatever it is doing; the next task gets a new process.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any
from weakref import finalize


class LimitError(Exception):
    """A task without a result: it took too long, took too much memory, or refused its input."""


class LimitedProcess:
    """Runs the tasks of :mod:`jepa_plugins.text.scoring.worker`, one after another.

    seconds: of processor time for each task; one that takes longer is ended. memory: bytes, for all of the process.
    It starts with the first task.
    """

    def __init__(self, seconds: float, memory: int = 2 << 30):
        if seconds <= 0:
            raise ValueError(f"seconds must be above 0, not {seconds}")
        self.seconds = seconds
        self.memory = memory
        self._process: subprocess.Popen[str] | None = None

    def call(self, task: str, *arguments: Any) -> Any:
        """Runs a task and returns its result. Raises LimitError."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # where it ended, the missing reply says how
            process.stdin.write(json.dumps([self.seconds, task, arguments]) + "\n")
            process.stdin.flush()
        reply = process.stdout.readline()
        if not reply:
            raise self._ended(process)
        found = json.loads(reply)
        if "error" in found:
            raise LimitError(found["error"])
        return found["result"]

    def close(self) -> None:
        """Ends the process; a later call starts another."""
        if self._process:
            _end(self._process)
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        # -P: no module of the current folder is imported. A session of its own: Ctrl-C is ours to handle.
        command = [sys.executable, "-P", "-m", "jepa_plugins.text.scoring.worker", str(self.memory)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", start_new_session=True
        )
        finalize(self, _end, process)
        return process

    def _ended(self, process: subprocess.Popen[str]) -> LimitError:
        self.close()
        if process.returncode in (-signal.SIGPROF, -signal.SIGALRM):
            return LimitError(f"no result within {self.seconds:g} s")
        return LimitError(f"its process ended with status {process.returncode}")


def _end(process: subprocess.Popen[str]) -> None:
    """Closes the process's pipes, which ends it; a busy one is killed."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
