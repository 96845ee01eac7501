"""Looks for leaks in a long run: resident memory and open files over many tiny steps, with evaluation and saving.

    python -m benchmarks.soak --steps 20000 --out benchmarks/results/soak.csv

Prints the slope after the warm-up, in MB a thousand steps; writes one line every hundred steps.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from transformers import TrainerCallback

import jepa_core
from jepa_core.assembly.build import build

RECIPE = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
    "model.config.n_embd=16",
    "model.config.n_layer=1",
    "training.per_device_train_batch_size=8",
    "training.logging_steps=10",
    "training.eval_steps=200",
    "training.save_steps=200",
]
EVERY = 100


class Watch(TrainerCallback):
    """rows: step, resident memory in MB, open files."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, float, int]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % EVERY == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            self.rows.append((state.global_step, round(resident, 2), len(os.listdir("/proc/self/fd"))))


def soak(steps: int) -> list[tuple[int, float, int]]:
    with TemporaryDirectory() as folder:
        overrides = [*RECIPE, f"training.max_steps={steps}", f"output_dir={folder}/run"]
        run = build(jepa_core.load_recipe("cosine_k1", overrides=overrides), device="cpu")
        watch = Watch()
        run.trainer.add_callback(watch)
        run.trainer.train()
    return watch.rows


def slope(rows: list[tuple[int, float, int]]) -> float:
    """MB a thousand steps, a straight line through what follows the first fifth."""
    after = np.array(rows[len(rows) // 5 :], dtype=float)
    return float(np.polyfit(after[:, 0], after[:, 1], 1)[0] * 1000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = soak(options.steps)
    if options.out:
        with open(options.out, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("step", "resident_mb", "open_files"), *rows])
    files = {count for _, _, count in rows[len(rows) // 5 :]}
    print(f"{options.steps} steps: {slope(rows):+.3f} MB a thousand steps after warm-up, open files {sorted(files)}")


if __name__ == "__main__":
    main()
