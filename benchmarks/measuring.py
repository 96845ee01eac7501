"""Tools that several benchmarks share: time in turns, memory of a call, exponents, tables."""

from __future__ import annotations

import csv
import ctypes
import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def medians(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor seconds of each call, which take turns, so that the machine's noise hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def added_megabytes(call: Callable[[], object]) -> float:
    """The megabytes by which this process's memory rises while `call` runs (Linux)."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) / 1e3


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The exponent of the power of `sizes` by which `values` grow: the least-squares slope of their logarithms."""
    x, y = ([math.log(max(v, 1e-9)) for v in column] for column in (sizes, values))
    return statistics.linear_regression(x, y).slope


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown, with the keys as head; a cell is empty where a row has no value for its key."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = [keys, ["---"] * len(keys), *([_cell(row.get(key)) for key in keys] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)
