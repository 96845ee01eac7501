"""Several workers on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from jepa_core.errors import JepaError
from jepa_core.signals import heard
from jepa_core.study.design import Design


class Stopped(JepaError):
    """The error after a signal; each run that was going on left a checkpoint."""

    def __init__(self, number: int):
        self.number, self.exit_status = number, 128 + number
        super().__init__(f"stopped by {signal.Signals(number).name}; the same command goes on from there")


def work_in_processes(
    design: Design,
    count: int,
    *,
    modules: Sequence[str] = (),
    files: Sequence[Path] = (),
    device: str | None = None,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Runs the study with `count` workers, which share this machine's cores; their output goes to ``logs/``.

    tick: called every half second. Raises Stopped on a signal, after all workers have stopped, and
    JepaError when a worker ended with cells left.
    """
    job = {"study": str(design.path), "modules": [*modules], "files": [str(file) for file in files], "device": device}
    text = json.dumps(job | {"parent": os.getpid()})
    # -P: nothing is imported from the current folder, except for -p, which names what it wants.
    command = [sys.executable, "-P", "-m", "jepa_core.study.worker", text]
    logs = [design.root / "logs" / f"{socket.gethostname()}-{os.getpid()}-{i}.log" for i in range(count)]
    logs[0].parent.mkdir(parents=True, exist_ok=True)
    workers: list[subprocess.Popen] = []
    with _signals_raise():
        try:
            for log in logs:
                workers.append(_start(command, log, count))
            while any(worker.poll() is None for worker in workers):
                tick()
                time.sleep(0.5)
        except Stopped as stopped:
            _stop(workers, stopped.number)
            raise
    for worker, log in zip(workers, logs, strict=True):
        if worker.returncode and not design.finished:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise JepaError(f"a worker ended with status {worker.returncode} ({log}): {' '.join(last)}")


def threads_each(count: int) -> int:
    """The OpenMP threads of each of `count` workers: an equal part of this process's."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, (int(given) if given.isdecimal() else cores) // count)


def _start(command: list[str], log: Path, count: int) -> subprocess.Popen:
    """Starts a worker in a session of its own, so that Ctrl-C reaches this process only, which tells each worker once;
    a second signal would kill it in the middle of a step."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads_each(count))}
    with open(log, "wb") as out:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def _stop(workers: Sequence[subprocess.Popen], number: int) -> None:
    """Passes the signal on to the workers and waits for them; on a second signal they are killed."""
    try:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(number)
        for worker in workers:
            worker.wait()
    except Stopped:
        for worker in workers:
            worker.kill()
            worker.wait()


@contextmanager
def _signals_raise() -> Iterator[None]:
    """A context in which SIGINT, SIGTERM and SIGHUP raise Stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    before: dict[int, Any] = {number: signal.signal(number, stop) for number in heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
