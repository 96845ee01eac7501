"""The gradient of a step shared among several processes.

Each of them runs ``python -m jepa_core.verify.torchrun JOB``; JOB is a JSON file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, distributed

from jepa_core.assembly.build import build
from jepa_core.errors import JepaError
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.registry.registry import named_registry
from jepa_core.signals import stop_with_parent
from jepa_core.verify.context import Context

#: Seconds that the processes may take, mostly for their imports.
PATIENCE = 300
#: Seconds that torchrun may take to end them; it gives them 30 itself.
GRACE = 40


def gradient_in_processes(context: Context, rows: Sequence[int]) -> dict[str, Tensor]:
    """Parameter -> gradient, as :func:`~jepa_core.verify.one_step.step_gradient` gives it, when each of
    ``context.processes`` processes has its share of the samples.

    Each builds the run anew, from the same recipe and seed. Raises JepaError when they fail.
    """
    with TemporaryDirectory() as folder:
        job, result = Path(folder) / "job.json", Path(folder) / "gradient.pt"
        job.write_text(json.dumps(_job(context, rows, Path(folder), result)), encoding="utf-8")
        # -P and its variable: neither torchrun nor its processes import from the current folder.
        launch = ["-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(context.processes)]
        status, said = _run([sys.executable, *launch, "-m", "jepa_core.verify.torchrun", str(job)])
        if status is None:
            raise JepaError(f"{context.processes} processes did not end within {PATIENCE} seconds")
        if status:
            raise JepaError(f"{context.processes} processes failed:\n{said[-2000:]}")
        return torch.load(result, weights_only=True)


def _run(command: list[str]) -> tuple[int | None, str]:
    """Runs the command; returns its exit status, None where it took too long, and its standard error."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    with open(os.devnull, "wb") as nowhere:
        launcher = subprocess.Popen(command, env=environment, stdout=nowhere, stderr=subprocess.PIPE, text=True)
    try:
        _, said = launcher.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        _end(launcher)
    return launcher.returncode, said


def _end(launcher: subprocess.Popen) -> None:
    """Asks a launcher that still runs to end its processes; killed, it would leave them."""
    if launcher.poll() is None:
        launcher.terminate()
        try:
            launcher.wait(GRACE)
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()


def _job(context: Context, rows: Sequence[int], folder: Path, result: Path) -> dict[str, Any]:
    recipe, file = context.run.recipe, folder / "recipe.yaml"
    search = [str(place.absolute()) for place in recipe.search]
    data = {**resolved(recipe, context.registry), "resolved": {"search": search}}
    file.write_text(dump_yaml(data), encoding="utf-8")
    return {
        "recipe": str(file),
        "modules": list(context.plugins.modules),
        "files": [str(path.absolute()) for path in context.plugins.files],
        "device": context.run.device,
        "rows": list(rows),
        "micro_batch": len(rows) // context.processes,
        "result": str(result),
    }


def main(path: str) -> None:
    """Runs as one of the processes; the first one writes the gradient."""
    from jepa_core.verify.one_step import step_gradient

    stop_with_parent(os.getppid())
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    registry = named_registry(job["modules"], [Path(file) for file in job["files"]])
    run = build(load_recipe(job["recipe"], registry=registry), registry, job["device"])
    gradient = step_gradient(run, job["rows"], job["micro_batch"], 1)
    if distributed.get_rank() == 0:
        torch.save(gradient, job["result"])
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
