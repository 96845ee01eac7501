"""Stages one after the other in a process that is watched, and in a new one after a stage that broke it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.gpu.results import begin, read
from benchmarks.gpu.site import ROOT
from benchmarks.gpu.stages import LEAST, STAGES

#: The program that runs stages.
WORKER = (sys.executable, "-m", "benchmarks.gpu.worker")
#: Seconds a process may take to begin with its first stage: a cold disk imports slowly.
IMPORTS = 75


class Chain:
    """names: the stages still to run; until: when all must be done; scale: what their seconds are multiplied by."""

    def __init__(
        self, names: list[str], home: Path, environment: dict[str, str], until: float, scale: float, tiny: bool
    ):
        self.names, self.home, self.environment = names, home, environment
        self.until, self.scale, self.tiny = until, scale, tiny
        self.log = home / f"{names[0]}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def tend(self) -> bool:
        """Looks after the process once; False when there is nothing left to do."""
        if self.process is None:
            if self.names and time.time() > self.until - LEAST:
                self._give_up()
            if self.names:
                self._start()
            return bool(self.names)
        self._drop_ended()
        if (status := self.process.poll()) is not None:
            self._after(f"its process ended with status {status}")
        elif self.names and time.time() > (end := self._end()):
            self.kill()
            self._after(f"ended after {time.time() - self._began():.0f} s" if end < self.until else "out of time")
        return True

    def kill(self) -> None:
        """Ends the process and all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _start(self) -> None:
        command = [*WORKER, str(self.home), str(self.until), str(self.scale)]
        environment = {**self.environment, "GPU_CHECK_TINY": "1" if self.tiny else ""}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.names], env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        self.started = time.time()
        self.before = len(self.names)

    def _after(self, words: str) -> None:
        """The process is gone: what ran has failed, and so has the next where nothing had begun."""
        self.process = None
        self._drop_ended()
        if not self.names:
            return
        result = read(self.home, self.names[0])
        if result is not None or len(self.names) == self.before:
            result = result or begin(self.home, self.names[0], 0)
            result.end("failed", f"{words}; {last_words(self.log)}")
            self.names.pop(0)

    def _drop_ended(self) -> None:
        while self.names and (result := read(self.home, self.names[0])) is not None and result.ended:
            self.names.pop(0)

    def _began(self) -> float:
        result = read(self.home, self.names[0])
        return result.began if result else self.started + IMPORTS

    def _end(self) -> float:
        """The time at which the current stage is ended from outside, a little after it should have ended itself."""
        return min(self._began() + STAGES[self.names[0]].seconds * self.scale + LEAST, self.until)

    def _give_up(self) -> None:
        for name in self.names:
            begin(self.home, name, 0).end("skipped", "no time was left")
        self.names.clear()


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"last in its log: {lines[-1][:300]}" if lines else "its log is empty"
