"""A whole step as one CUDA graph: what small steps cost without their launches, or why it can't be captured."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu import ours
from benchmarks.gpu.results import Result, Skipped
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import autocast, device_here, milliseconds, products_in
from benchmarks.gpu.training import optimizer_of, train_step
from benchmarks.gpu.worker import one_line

KINDS = ("bf16", "tf32")
TASK = ["data.entities_both_ways=1000", "data.entities_one_way=200", "data.relation_pairs=2"]


def run(result: Result, sizes: Sizes) -> None:
    """packed first: what captures least may leave the device in a state that no other capture survives."""
    for layout in ours.LAYOUTS:
        for layers, width, heads, samples in sizes.graph_models:
            overrides = [*TASK, *sizes.facts, *ours.config(layers, width, heads)]
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

    def step() -> None:
        with autocast(kind):
            loss = ours.forward(built, plan).loss
        train_step(optimizer, loss)

    steps: dict[str, Callable[[], object]] = {"eager": step}
    for _ in range(3):
        step()
    words = ""
    if device_here() == "cuda":
        try:
            steps["graph"] = captured(step)
        except Exception as error:  # whatever a capture breaks on is the finding
            place = traceback.extract_tb(error.__traceback__)
            inner = [f for f in place if "/torch/" not in f.filename] or list(place)
            words = f"{one_line(error)[:120]} at {'/'.join(inner[-1].filename.split('/')[-2:])}:{inner[-1].lineno}"
            torch.cuda.synchronize()
    times = milliseconds(steps, sizes.rounds, sizes.round_seconds)
    result.row(
        "One step on a plan that lies on the device",
        model=model,
        layout=layout,
        precision=kind,
        **{"eager ms": round(times["eager"], 3)},
        **{"graph ms": round(times["graph"], 3) if "graph" in times else None},
        **{"times eager": round(times["eager"] / times["graph"], 2) if "graph" in times else None},
        **{"not captured": words},
    )


def captured(step: Callable[[], None]) -> Callable[[], object]:
    """Replays the step. It runs on a side stream first, which is how torch wants its memory warmed up."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
