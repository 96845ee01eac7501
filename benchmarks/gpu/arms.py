"""Arms of a comparison: the same step in different layouts, with the time and memory of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import autocast, count, device_here, milliseconds, peak_megabytes, products_in
from benchmarks.gpu.worker import free_memory, one_line
from benchmarks.training import optimizer_of, train_step
from benchmarks.yardsticks import Rows, Yardstick

K = 1
#: Position ids start at 0 in every block, which every layout can have: then all arms compute the same.
SAME = [f"objective.k={K}", "objective.positions=restart", "objective.lambda_jepa=1.0", "objective.gamma_ntp=1.0"]
NAIVE = "naive: two passes"


@dataclass(frozen=True)
class Arm:
    """optimizer: of its model; losses: (ntp, jepa) of a batch that lies on the host; tokens: of a batch."""

    optimizer: torch.optim.Optimizer
    losses: Callable[[ours.Batch], tuple[Tensor, Tensor]]
    tokens: Callable[[ours.Batch], int | None]

    def step(self, batch: ours.Batch, kind: str) -> None:
        with autocast(kind):
            ntp, jepa = self.losses(batch)
        train_step(self.optimizer, ntp + jepa)


def make_arms(
    result: Result, recipe: str, overrides: list[str], rows_of: Callable[[ours.Batch], Rows]
) -> dict[str, Arm]:
    """The yardsticks, then every layout of ours that is offered here."""
    device = device_here()
    runs = {layout: ours.offered(recipe, [*overrides, *SAME], layout, device) for layout in ours.LAYOUTS}
    for layout, words in runs.items():
        if isinstance(words, str):
            result.note(f"Layout {layout} is not offered: {words[:200]}")
    built = {layout: run for layout, run in runs.items() if not isinstance(run, str)}
    some = next(iter(built.values()))
    arms = {
        NAIVE: _yardstick(some, Yardstick.two_passes, rows_of),
        "public layout: one padded call": _yardstick(some, Yardstick.padded, rows_of),
        "public layout, dense mask": _yardstick(some, Yardstick.padded_packed, rows_of),
    }
    return arms | {f"ours: {layout}": layout_arm(run) for layout, run in built.items()}


def _yardstick(
    run: Any, losses: Callable[[Yardstick, Rows], tuple[Tensor, Tensor]], rows_of: Callable[[ours.Batch], Rows]
) -> Arm:
    device = device_here()
    yardstick = Yardstick(ours.plain_model(run, device), device, ours.pred_id(run), K)
    return Arm(optimizer_of(yardstick.model), lambda batch: losses(yardstick, rows_of(batch)), lambda batch: None)


def layout_arm(run: Any) -> Arm:
    """The loss carries the gradient; the terms are for show. Both weights are 1."""

    def losses(batch: ours.Batch) -> tuple[Tensor, Tensor]:
        out = ours.forward(run, ours.plan(run, batch, device_here()))
        return out.loss - out.jepa_loss, out.jepa_loss

    return Arm(optimizer_of(run.objective), losses, lambda batch: ours.tokens(ours.plan(run, batch, "cpu")))


def agree(result: Result, arms: Mapping[str, Arm], batch: ours.Batch) -> None:
    """All arms have the same losses at the same weights, before any of them has trained."""
    caption, first = "The arms before their first step, fp32", None
    for name, arm in arms.items():
        with products_in("fp32"), torch.no_grad():
            ntp, jepa = (float(loss) for loss in arm.losses(batch))
        first = first or (ntp, jepa)
        off = max(abs(ntp - first[0]) / first[0], abs(jepa - first[1]) / first[1])
        result.row(caption, arm=name, ntp=f"{ntp:.6f}", jepa=f"{jepa:.6f}", **{"off by": f"{off:.1e}"})
        if off > 1e-4:
            result.beyond(f"{name} does not compute what the others do: off by {off:.1e}")


def time_arms(result: Result, arms: Mapping[str, Arm], batch: ours.Batch, kind: str, rate: float, sizes: Sizes) -> None:
    """Rows with time, share of the matrix rate, and memory of each arm on this batch; what does not run says so."""
    samples = len(batch["input_ids"])
    operations, peaks, steps = {}, {}, {}
    with products_in(kind):
        for name, arm in arms.items():
            step = partial(arm.step, batch, kind)
            try:
                operations[name], peaks[name] = count(step), peak_megabytes(step)
                steps[name] = step
            except RuntimeError as error:
                result.note(f"Does not run: {name}, {kind}, batch {samples}: {one_line(error)[:200]}")
                free_memory()
        times = milliseconds(steps, sizes.rounds, sizes.round_seconds)
    for name, taken in times.items():
        flop, peak = operations[name], peaks[name]
        result.row(
            f"Steps in {kind}",
            batch=samples,
            arm=name,
            ms=round(taken, 3),
            **{"times naive": round(times[NAIVE] / taken, 2) if NAIVE in times else None},
            tokens=arms[name].tokens(batch),
            GFLOP=round(flop / 1e9, 1),
            **{"of matrix rate": f"{100 * flop / (taken / 1e3) / rate:.1f} %"},
            **{"MB added": None if peak is None else round(peak)},
        )
