"""The machine: device, versions, and whether the project and its requirements can be imported."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import import_module, metadata
from pathlib import Path

import torch

from benchmarks.gpu.check import tiny_asked
from benchmarks.gpu.results import Result
from benchmarks.gpu.site import ROOT
from benchmarks.gpu.sizes import Sizes

DISTRIBUTIONS = ("torch", "transformers", "accelerate", "numpy", "peft", "triton", "pydantic", "jepa-core")
#: Packages beside torch that a step needs.
NEEDED = (
    "transformers",
    "accelerate",
    "einops",
    "filelock",
    "pluggy",
    "pydantic",
    "rich",
    "typer",
    "yaml",
    "jepa_core",
)


def run(result: Result, sizes: Sizes) -> None:
    result.row("Versions", what="commit", value=commit())
    result.row("Versions", what="python", value=platform.python_version())
    for name in DISTRIBUTIONS:
        result.row("Versions", what=name, value=version(name))
    for name, value in device().items():
        result.row("Device", what=name, value=value)
    if not torch.cuda.is_available():
        result.note("torch finds no CUDA device: everything ran at tiny sizes on the CPU.")
        if not tiny_asked():
            result.beyond("torch finds no CUDA device")
    missing = [f"{name}: {why}" for name in NEEDED if (why := why_not(name))]
    for words in missing:
        result.note(f"Can't be imported: {words}")
    if missing:
        names = ", ".join(words.split(":")[0] for words in missing)
        result.beyond(f"can't be imported: {names}; bring wheels in a folder and name it in GPU_CHECK_WHEELS")


def device() -> dict[str, str]:
    found = {"processor": processor(), "cores": str(len(os.sched_getaffinity(0)))}
    if not torch.cuda.is_available():
        return {"device": "cpu", **found}
    properties = torch.cuda.get_device_properties(0)
    return {
        "device": properties.name,
        "memory": f"{properties.total_memory / 2**30:.1f} GiB",
        "multiprocessors": str(properties.multi_processor_count),
        "compute capability": f"{properties.major}.{properties.minor}",
        "CUDA of torch": str(torch.version.cuda),
        "driver": driver(),
        **found,
    }


def driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip() or "?"
    except (OSError, subprocess.TimeoutExpired):
        return "?"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "missing"


def why_not(module: str) -> str:
    try:
        import_module(module)
    except Exception as error:  # whatever an import does
        return f"{type(error).__name__}: {error}"
    return ""


def commit() -> str:
    """The commit of the checkout, or GPU_CHECK_COMMIT where there are only the files."""
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return os.environ.get("GPU_CHECK_COMMIT", "?")
    return done.stdout.strip() or os.environ.get("GPU_CHECK_COMMIT", "?")
