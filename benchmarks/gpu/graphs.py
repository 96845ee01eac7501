"""A whole step as one CUDA graph: what small steps cost without their launches, or why it can't be captured."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.gpu.results import Result, Skipped
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import autocast, device_here, milliseconds, products_in
from benchmarks.gpu.worker import one_line
from benchmarks.tasks import Size
from benchmarks.training import optimizer_of, train_step

KINDS = ("bf16", "tf32")
TASK = ["data.entities_both_ways=1000", "data.entities_one_way=200", "data.relation_pairs=2"]


def run(result: Result, sizes: Sizes) -> None:
    """packed first: what captures least may leave the device in a state that no other capture survives."""
    for layout in ours.LAYOUTS:
        for layers, width, heads, samples in sizes.graph_models:
            overrides = [*TASK, *sizes.facts, *Size(layers, width, heads).overrides()]
            for kind in KINDS:
                built = ours.offered("cosine_k1", overrides, layout, device_here())
                if not isinstance(built, str) and result.left() > 0:
                    with products_in(kind):
                        measure(result, built, f"{layers} × {width}, batch {samples}", layout, kind, samples, sizes)
    if device_here() == "cpu":
        raise Skipped("no CUDA device: the steps ran without graphs")


def measure(result: Result, built: Any, model: str, layout: str, kind: str, samples: int, sizes: Sizes) -> None:
    """Eager and captured, on one plan that lies on the device, so neither plans."""
    optimizer = optimizer_of(built.objective, capturable=device_here() == "cuda")
    plan = ours.plan(built, ours.batch(built, samples), device_here())

    def loss() -> Tensor:
        with autocast(kind):
            return ours.forward(built, plan).loss

    def step() -> Tensor:
        made = loss()
        train_step(optimizer, made)
        return made.detach()

    row: dict[str, Any] = {"model": model, "layout": layout, "precision": kind}
    row["eager ms"] = round(milliseconds({"eager": step}, sizes.rounds, sizes.round_seconds)["eager"], 3)
    if device_here() == "cuda":
        row |= replayed(step, loss, row["eager ms"], sizes)
    result.row("One step on a plan that lies on the device", **row)


def replayed(step: Callable[[], Tensor], loss: Callable[[], Tensor], eager: float, sizes: Sizes) -> dict[str, Any]:
    """Measures the replay's time, and the distance of its first loss from the eager one of the same weights; or names
    the error that broke the capture."""
    try:
        replay, captured_loss = captured(step)
        with torch.no_grad():
            expected = float(loss())
        replay()
        off = abs(float(captured_loss) - expected) / abs(expected)
        taken = milliseconds({"graph": replay}, sizes.rounds, sizes.round_seconds)["graph"]
    except Exception as error:  # whatever a capture breaks on is the finding
        inner = [f for f in traceback.extract_tb(error.__traceback__) if "/torch/" not in f.filename][-1]
        return {"not captured": f"{one_line(error)[:120]} at {Path(inner.filename).name}:{inner.lineno}"}
    return {"graph ms": round(taken, 3), "times eager": round(eager / taken, 2), "loss off by": f"{off:.1e}"}


def captured(step: Callable[[], Tensor]) -> tuple[Callable[[], object], Tensor]:
    """Captures a step; returns the replay, and the loss tensor that it fills. The step runs on a side stream first, as
    torch requires for its memory to be warmed up."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()
    return graph.replay, loss
