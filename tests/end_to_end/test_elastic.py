"""Two agents of torchrun on one machine, as if on two: one goes and comes back, and the run goes on by itself.

The command is that of docs/DISTRIBUTED.md.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from jepa_core.checkpoint.choosing import in_order
from tests.children import together
from tests.tiny_runs import TINY, digest, run_tiny

PATIENCE = 180.0
LONGER = ("training.per_device_train_batch_size=4", "training.max_steps=400", "training.save_steps=10")
ELASTIC = ("--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "10", "--rdzv-backend", "c10d")
SOONER = "keep_alive_interval=1,keep_alive_max_attempt=3"  # that a machine is missed
#: Without it torch (2.13) tells a machine that comes back nothing of where the processes meet.
OWN_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


@contextmanager
def agent(log: Path, port: int, run: Path) -> Iterator[psutil.Process]:
    """The process that is started on each machine; nothing of it is left in the end."""
    meet = ("--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "jepa", "--rdzv-conf", SOONER)
    recipe = ("cosine_k1", *TINY, *LONGER, f"output_dir={run}")
    command = [sys.executable, "-m", "torch.distributed.run", *ELASTIC, *meet, "-m", "jepa_core.cli.main", *recipe]
    environment = {**os.environ, **OWN_STORE, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    with log.open("wb") as out:
        process = psutil.Popen(command, env=environment, stdout=out, stderr=out)
    workers: list[psutil.Process] = []
    try:
        yield process
    finally:
        if process.is_running():
            workers = process.children(recursive=True)
        for each in (process, *workers):
            if each.is_running():
                each.kill()
        process.wait()


def wait_until(there: Callable[[], object], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def reached(run: Path) -> int:
    """The step of the newest checkpoint, or 0."""
    found = in_order(run / "checkpoints")
    return int(found[-1].name.removeprefix("checkpoint-")) if found else 0


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ended(process: psutil.Process) -> bool:
    """Tells whether a process has ended, also one of which nobody has taken note."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """An undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert together(2, lambda rank: run_tiny(folder, *LONGER), PATIENCE) == [0, 0]
    return folder


@pytest.mark.slow
def test_a_machine_that_goes_and_comes_back(tmp_path, whole):
    """Once all of it is gone at once, as when the power is; once only the agent, whose process has to end by itself."""
    run, log = tmp_path / "run", tmp_path / "stays.log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        stays = stack.enter_context(agent(log, port, run))
        wait_until(lambda: listening(port), log)
        for number, power_is_lost in enumerate((True, False)):
            before = reached(run)
            goes = stack.enter_context(agent(tmp_path / f"goes-{number}.log", port, run))
            wait_until(lambda last=before: reached(run) > last + 20, log)
            left = goes.children()
            for process in (goes, *(left if power_is_lost else ())):
                process.kill()
            goes.wait()
            wait_until(lambda those=left: all(map(ended, those)), log)
            assert not (run / "metrics.json").exists()
        comes = stack.enter_context(agent(tmp_path / "comes.log", port, run))
        assert [stays.wait(PATIENCE), comes.wait(PATIENCE)] == [0, 0], log.read_text()
    assert log.read_text().count("resuming from") + (tmp_path / "comes.log").read_text().count("resuming from") >= 2
    for name in ("metrics.json", "model/model.safetensors", "checkpoints/checkpoint-400/optimizer.safetensors"):
        assert digest(run / name) == digest(whole / name), name
