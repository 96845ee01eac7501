"""Layouts beside each other, and what ``auto`` takes: ``python -m benchmarks.layouts``, three minutes on one thread.

The cases of :mod:`benchmarks.step`. Each layout trains its own copy of the same model on the same batches, in turns, in
processor time; planning is in a column of its own and not in the step. Writes results/layouts.md and .csv.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks import ours
from benchmarks.measuring import RESULTS, table, write_csv
from benchmarks.step import CASES, Case, processor
from benchmarks.tasks import PAPER, write_task
from benchmarks.training import optimizer_of, train_step

ARMS = (*ours.LAYOUTS, "auto")


def built(case: Case) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        data = list(PAPER)
        if case.spans is not None:
            write_task(Path(folder), case.spans(), case.vocabulary)
            data = [f"data.path={folder}"]
        options = [*data, f"objective.k={case.k}", "objective.positions=restart", *case.size.overrides(600)]
        return {name: ours.build("cosine_k1", [*options, f"objective.layout={name}"]) for name in ARMS}


def measure(name: str, seconds: float) -> list[dict[str, Any]]:
    """Times as many rounds as fit into `seconds`, five at least, after one that warms up."""
    case = CASES[name]
    runs = built(case)
    optimizers = {arm: optimizer_of(run.objective.model) for arm, run in runs.items()}
    took: dict[str, list[tuple[float, float]]] = {arm: [] for arm in runs}
    began, rounds = time.monotonic(), 0
    while time.monotonic() < began + seconds or rounds < 6:
        batch = ours.batch(runs["rows"], case.batch, rounds)
        for arm, run in runs.items():
            start = time.process_time()
            plan = ours.plan(run, batch, "cpu", rounds)
            planned = time.process_time()
            train_step(optimizers[arm], ours.forward(run, plan).loss)
            took[arm].append((planned - start, time.process_time() - planned))
        rounds += 1
    packed = statistics.median(step for _, step in took["packed"][1:])
    return [_row(name, case, arm, run, took[arm][1:], packed) for arm, run in runs.items()]


def _row(name: str, case: Case, arm: str, run: Any, took: list[tuple[float, float]], packed: float) -> dict[str, Any]:
    planning, step = (statistics.median(column) for column in zip(*took, strict=True))
    calls = ours.plan(run, ours.batch(run, case.batch), "cpu").arrangement.calls
    return {
        "case": name,
        "layout": arm,
        "calls": ", ".join(f"{len(call.ids)} × {call.ids.shape[1]:,}" for call in calls),
        "tokens": sum(call.ids.numel() for call in calls),
        "ms": round(1e3 * step, 1),
        "over packed": f"{step / packed:.3f}",
        "planning ms": round(1e3 * planning, 2),
        "rounds": len(took),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seconds", type=float, default=20, help="of each case")
    parser.add_argument("--out", type=Path, default=RESULTS / "layouts", help="writes OUT.md and OUT.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for name in options.cases:
        rows += measure(name, options.seconds)
        print(table(rows[-len(ARMS) :]), flush=True)
        text = f"# Layouts\n\nOne thread of {processor()}, fp32, {date.today()}, medians.\n\n{table(rows)}\n"
        options.out.with_suffix(".md").write_text(text, encoding="utf-8")
        write_csv(rows, options.out.with_suffix(".csv"))


if __name__ == "__main__":
    main()
