"""Ctrl-C in the middle of training: nothing is lost, and the same command goes on to the same weights."""

from __future__ import annotations

import json
import os
import signal
import time
from hashlib import sha256
from pathlib import Path

from tests.warm import Running

STEPS = 12
#: A distance that takes as long as the environment says, so that there is a middle to interrupt.
SLOW = """
import os
import time
from jepa_core import hookimpl

def slow():
    def distance(predicted, target):
        time.sleep(float(os.environ.get("SECONDS_A_STEP", "0")))
        return (predicted - target).square().sum(dim=-1)
    return distance

@hookimpl
def jepa_distance_functions():
    return {"slow": slow}
"""
COMMAND = ["tiny.yaml", "--plugin", "slow.py", "objective.distance=slow", "--max-steps", str(STEPS), "--device", "cpu"]
#: Model dropout and loss dropout have to go on where they were, too.
COMMAND += ["model.config.resid_pdrop=0.1", "objective.filters.1.rate=0.3"]


def steps(folder: Path) -> list[int]:
    log = folder / "metrics.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line["step"] for line in lines if "loss" in line]


def interrupt(process: Running, folder: Path) -> tuple[int, str]:
    """SIGINT as soon as two steps are logged; the exit status and what was said on stderr."""
    give_up = time.monotonic() + 120
    while len(steps(folder)) < 2 and time.monotonic() < give_up:
        time.sleep(0.02)
    os.kill(process.child.pid, signal.SIGINT)
    done = process.wait()
    return done.returncode, done.stderr


def test_an_interrupted_run_resumes_by_itself(cli):
    Path("slow.py").write_text(SLOW)
    done = cli(*COMMAND, "--output-dir", "whole")
    assert done.exit_code == 0, done.output

    slow = {"SECONDS_A_STEP": "0.3"}
    process = Running("-m", "jepa_core.cli.main", *COMMAND, cwd=Path.cwd(), environment=slow)
    folder = Path("runs/tiny")
    status, said = interrupt(process, folder)
    reached = steps(folder)[-1]
    assert status == 130, said
    assert f"stopped by SIGINT at step {reached}; the same command goes on from there" in said
    assert "Traceback" not in said
    assert 2 <= reached < STEPS
    assert (folder / "checkpoints" / f"checkpoint-{reached}" / "manifest.json").is_file()
    assert not (folder / "metrics.json").exists()

    done = cli(*COMMAND)
    assert done.exit_code == 0, done.output
    assert f"resuming from runs/tiny/checkpoints/checkpoint-{reached}\n" in done.stdout
    assert "runs/tiny: resumed and finished" in done.stdout
    assert steps(folder) == list(range(1, STEPS + 1))
    for file in ("model/model.safetensors", "metrics.json"):
        resumed, whole = (sha256((run / file).read_bytes()).hexdigest() for run in (folder, Path("whole")))
        assert resumed == whole, file
