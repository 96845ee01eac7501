"""Two machines, played on one: two agents of torchrun that meet over loopback; one is killed, and comes back.

Minutes long, as torch is imported by every process that starts: ``-m slow``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jepa_core.recipe.resolve import dump_yaml, resolved
from tests.children import together
from tests.tiny_runs import REGISTRY, digest, run_tiny, tiny

pytestmark = pytest.mark.slow
PATIENCE = 240.0
LONG = ("training.max_steps=60", "training.save_steps=10", "training.per_device_train_batch_size=4")


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE:g} seconds for {what}"
        time.sleep(0.05)


@contextmanager
def machine(number: int, port: int, recipe: Path, log: Path) -> Iterator[subprocess.Popen]:
    """An agent with one process, in a session of its own, which is killed at the end."""
    rendezvous = ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=test"]
    agent = ["--nnodes=2", "--nproc-per-node=1", "--max-restarts=3", "--local-addr=127.0.0.1", *rendezvous]
    host = f"--rdzv-conf=is_host={int(number == 0)}"
    command = [sys.executable, "-P", "-m", "torch.distributed.run", *agent, host, "-m", "jepa_core.cli.main"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    with open(log, "ab") as out:
        started = subprocess.Popen(
            [*command, str(recipe), "--device", "cpu"],
            env=environment,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        lost(started)


def lost(agent: subprocess.Popen) -> None:
    """As when a machine goes: the agent and its process, at once."""
    if agent.poll() is None:
        for process in [*children(agent.pid), agent.pid]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        agent.wait()


def children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in found]


@pytest.mark.parametrize("split", ["false", "true"], ids=["copied", "split"])
def test_a_machine_that_is_lost_and_comes_back(tmp_path, split):
    """The run goes on from the last whole checkpoint, and ends in the bits of one that was left alone."""
    options = (*LONG, f"training.fsdp={split}")
    assert together(2, lambda rank: run_tiny(tmp_path / "alone", *options)) == [0, 0]
    folder, recipe = tmp_path / "run", tmp_path / "recipe.yaml"
    recipe.write_text(dump_yaml(resolved(tiny(folder, *options), REGISTRY)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    logs = [tmp_path / f"machine-{number}.log" for number in (0, 1)]
    with machine(0, port, recipe, logs[0]) as stays:
        with machine(1, port, recipe, logs[1]) as goes:
            until((folder / "checkpoints/checkpoint-20").exists, "a checkpoint")
            lost(goes)
            assert not (folder / "metrics.json").exists()
            assert stays.poll() is None
        with machine(1, port, recipe, logs[1]) as back:
            until(lambda: None not in (stays.poll(), back.poll()), "the end")
            assert (stays.returncode, back.returncode) == (0, 0), "\n".join(log.read_text()[-3000:] for log in logs)
    assert any("resuming from" in log.read_text() for log in logs)
    for name in ("model/model.safetensors", "metrics.json"):
        assert digest(folder / name) == digest(tmp_path / "alone" / name), name
