"""Times and counts of steps, on a GPU and on a CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode

PRECISIONS = ("bf16", "tf32", "fp32")
Step = Callable[[], object]


def device_here() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


@contextmanager
def products_in(kind: str) -> Iterator[None]:
    """fp32: no TF32 anywhere; else matrix products of fp32 numbers are made in it. Afterwards none are.

    What was set before is not asked for: torch refuses to say once anything has used its newer names.
    """
    torch.set_float32_matmul_precision("highest" if kind == "fp32" else "high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


def autocast(kind: str, device: str | None = None) -> torch.autocast:
    """Autocast for one forward pass: while it is open, the weights' bf16 copies stay those of its beginning."""
    return torch.autocast(device or device_here(), dtype=torch.bfloat16, enabled=kind == "bf16")


def count(step: Step) -> int:
    """Floating-point operations of the matrix products of a step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def milliseconds(steps: Mapping[str, Step], rounds: int, round_seconds: float) -> dict[str, float]:
    """Median of each over rounds of several steps, between which alone the device is waited for.

    They take turns, so that what disturbs hits all alike.
    """
    repeats = {name: _repeats(step, round_seconds) for name, step in steps.items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            found[name].append(_mean(step, repeats[name]))
    return {name: 1e3 * statistics.median(seconds) for name, seconds in found.items()}


def _repeats(step: Step, round_seconds: float) -> int:
    """The number of steps in a round, after two that warm up."""
    for _ in range(2 if round_seconds else 0):
        step()
    once = _mean(step, 1)
    return max(1, min(50, int(round_seconds / max(once, 1e-6))))


def _mean(step: Step, repeats: int) -> float:
    synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    synchronize()
    return (time.perf_counter() - start) / repeats


def peak_megabytes(step: Step) -> float | None:
    """The peak memory that a step adds on the device; None on a CPU."""
    if not torch.cuda.is_available():
        return None
    synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6
