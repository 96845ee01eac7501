"""Optimizer steps on facts: naive, the public layout and ours, by precision and batch; planning, and the Trainer."""

from __future__ import annotations

import time
from tempfile import TemporaryDirectory
from typing import Any

from transformers import TrainerCallback

from benchmarks import ours
from benchmarks.gpu.arms import agree, make_arms, time_arms
from benchmarks.gpu.rates import matrix_rate
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import PRECISIONS, device_here, milliseconds, synchronize
from benchmarks.tasks import PAPER, Size, two_tokens


def run(result: Result, sizes: Sizes) -> None:
    overrides = [*PAPER, *Size(sizes.layers, sizes.width, sizes.heads).overrides(), *sizes.facts]
    planner = ours.build("cosine_k1", overrides)
    planning(result, planner, sizes)
    arms = make_arms(result, "cosine_k1", overrides, two_tokens)
    agree(result, arms, ours.batch(planner, min(64, max(sizes.batches))))
    for kind in PRECISIONS:
        rate = matrix_rate(kind, sizes.product, sizes.round_seconds)
        took = 0.0  # a sample, with all arms
        for size in sizes.batches:
            if result.left() < 1.3 * took * size:
                result.note(f"Left out for want of time: {kind} at batch {size}.")
                continue
            began = time.time()
            time_arms(result, arms, ours.batch(planner, size), kind, rate, sizes)
            took = (time.time() - began) / size
        trainer_step(result, overrides, kind, sizes)


def planning(result: Result, run: Any, sizes: Sizes) -> None:
    """Times the host's own part of a step; the GPU works meanwhile only if the host is ahead of it."""
    for size in sizes.batches:
        batch = ours.batch(run, size)
        found = milliseconds({"plan": lambda b=batch: ours.plan(run, b, "cpu")}, sizes.rounds, sizes.round_seconds)
        result.row("Planning on the host", batch=size, ms=round(found["plan"], 3))


class Clock(TrainerCallback):
    """Seconds between the end of the warm-up and the end of training."""

    def __init__(self, warm_up: int):
        self.warm_up, self.began, self.ended = warm_up, 0.0, 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step in (self.warm_up, state.max_steps):
            synchronize()
            if state.global_step == self.warm_up:
                self.began = time.perf_counter()
            self.ended = time.perf_counter()


def trainer_step(result: Result, overrides: list[str], kind: str, sizes: Sizes) -> None:
    """A step of the Trainer, loading and planning included, at the first of the batch sizes."""
    warm_up, steps, size = (1, 2, sizes.batches[0]) if sizes.tiny else (10, 40, sizes.batches[0])
    with TemporaryDirectory() as folder:
        settings = [f"output_dir={folder}", f"training.max_steps={warm_up + steps}", "training.save_steps=null"]
        settings += [f"training.per_device_train_batch_size={size}", "training.logging_steps=1000"]
        settings += [f"training.bf16={str(kind == 'bf16').lower()}"]
        if device_here() == "cuda":
            settings += [f"training.tf32={str(kind != 'fp32').lower()}"]
        run = ours.build("cosine_k1", [*overrides, *settings], device_here())
        clock = Clock(warm_up)
        run.trainer.add_callback(clock)
        run.trainer.train()
    result.row(
        "Steps of the Trainer", precision=kind, batch=size, ms=round(1e3 * (clock.ended - clock.began) / steps, 3)
    )
