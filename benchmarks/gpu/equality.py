"""Losses and gradients on the GPU against those on the CPU, fp32 and bf16. Streams, which have to be compiled first,
have a stage of their own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import autocast, device_here, products_in
from benchmarks.tasks import TEXT, text

#: Small tasks and models; and for text the model alone.
MODEL = ["model.config.n_embd=64", "model.config.n_head=4"]
SMALL = ["data.entities_both_ways=100", "data.entities_one_way=40", "data.relation_pairs=2", *MODEL]
#: name -> (recipe, overrides), with the parts that differ: second views, masks by layer, InfoNCE, recall.
CASES: dict[str, tuple[str, list[str]]] = {
    "cosine, k = 1": ("cosine_k1", SMALL),
    "cosine, k = 2, positions restart": ("cosine_k1", [*SMALL, "objective.k=2", "objective.positions=restart"]),
    "concept": ("concept", SMALL),
    "relational": ("relational", SMALL),
    "relational_tokens": ("relational_tokens", SMALL),
}
#: The most by which a loss (relative) and a gradient (norm of the difference over the norm) may differ.
BOUNDS = {"fp32": 1e-4, "bf16": 1e-2}
SAMPLES = 48


def run(result: Result, sizes: Sizes) -> None:
    if device_here() == "cpu":
        result.note("No GPU here: the CPU is held against itself.")
    samples = 8 if sizes.tiny else SAMPLES
    with TemporaryDirectory() as folder:
        cases = CASES | {"text, a branch": (TEXT, [*text(Path(folder), 30, 2 * SAMPLES, 400), *MODEL])}
        compare_all(result, cases, samples)


def compare_all(result: Result, cases: dict[str, tuple[str, list[str]]], samples: int) -> None:
    device = device_here()
    for name, (recipe, overrides) in cases.items():
        for layout in ours.LAYOUTS[:2]:
            reference = ours.offered(recipe, overrides, layout)
            if isinstance(reference, str):
                result.row("Not offered", composition=name, layout=layout, words=reference[:160])
                continue
            other = ours.build(recipe, [*overrides, f"objective.layout={layout}"], device)
            compare(result, name, layout, (reference, other), ours.batch(reference, samples))
            if result.left() < 0:
                result.beyond("out of time before all compositions were compared")
                return


def compare(result: Result, name: str, layout: str, runs: tuple[Any, Any], batch: ours.Batch) -> None:
    """A row a precision, with how far the gradient of each device is from its own in fp32: what rounding does."""
    exact: list[Tensor] = []
    for kind, bound in BOUNDS.items():
        found = [gradients(run, batch, device, kind) for run, device in zip(runs, ("cpu", device_here()), strict=True)]
        (loss, gradient), (loss_there, gradient_there) = found
        exact = exact or [gradient, gradient_there]
        loss_off, gradient_off = abs(loss_there - loss) / max(abs(loss), 1e-12), off(gradient_there, gradient)
        within = loss_off <= bound and gradient_off <= bound
        result.row(
            "Relative differences",
            composition=name,
            layout=layout,
            precision=kind,
            loss=f"{loss_off:.1e}",
            gradient=f"{gradient_off:.1e}",
            bound=f"{bound:.0e}",
            within="yes" if within else "NO",
            **{"CPU from its fp32": f"{off(gradient, exact[0]):.1e}"},
            **{"GPU from its fp32": f"{off(gradient_there, exact[1]):.1e}"},
        )
        if not within:
            result.beyond(f"{name}, {layout}, {kind}: loss {loss_off:.1e}, gradient {gradient_off:.1e}")


def off(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def gradients(run: Any, batch: ours.Batch, device: str, kind: str) -> tuple[float, Tensor]:
    """The loss, and all gradients as one fp64 vector on the CPU."""
    run.objective.zero_grad()
    with products_in("fp32"):
        with autocast(kind, device):
            loss = ours.forward(run, ours.plan(run, batch, device)).loss
        loss.backward()
    parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in run.objective.parameters()]
    return float(loss.detach()), torch.cat([part.detach().double().cpu().flatten() for part in parts])
