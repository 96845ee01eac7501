"""One stream: on the GPU the same losses and gradients as the layout that needs nothing of ours in the model's
attention, then time and memory against the others as rows grow.

FlexAttention has no backward pass on a CPU, so its gradients are held here for the first time; on a CPU the stage runs
with what a CPU has for streams.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import ours
from benchmarks.gpu.arms import SAME, layout_arm, time_arms
from benchmarks.gpu.equality import BOUNDS, CASES, MODEL, SAMPLES, gradients, off
from benchmarks.gpu.rates import matrix_rate
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.text import TOKENS_A_WORD
from benchmarks.gpu.timing import device_here
from benchmarks.gpu.worker import free_memory
from benchmarks.tasks import TEXT, Size, text


def run(result: Result, sizes: Sizes) -> None:
    if device_here() == "cpu":
        result.note("No GPU here: attention by rows of like length, not FlexAttention.")
    samples = 8 if sizes.tiny else SAMPLES
    with TemporaryDirectory() as folder:
        cases = CASES | {"text, a branch": (TEXT, [*text(Path(folder), 30, 2 * SAMPLES, 400), *MODEL])}
        for name, (recipe, overrides) in cases.items():
            same(result, name, recipe, overrides, samples)
    for tokens in sizes.flat_tokens:
        if result.left() < 0:
            result.note(f"Left out for want of time: rows of {tokens} tokens.")
            continue
        with TemporaryDirectory() as folder:
            growing(result, tokens, Path(folder), sizes)
        free_memory()


def same(result: Result, name: str, recipe: str, overrides: list[str], samples: int) -> None:
    """A row a precision. A model that can't run a stream here is beyond what is allowed: all of these can."""
    device = device_here()
    runs = {layout: ours.offered(recipe, overrides, layout, device) for layout in ("packed", "flat")}
    if isinstance(runs["flat"], str):
        result.beyond(f"{name}: flat is not offered: {runs['flat'][:300]}")
        return
    batch = ours.batch(runs["flat"], samples)
    for kind, bound in BOUNDS.items():
        (loss, gradient), (loss_flat, gradient_flat) = (gradients(each, batch, device, kind) for each in runs.values())
        loss_off, gradient_off = abs(loss_flat - loss) / max(abs(loss), 1e-12), off(gradient_flat, gradient)
        within = loss_off <= bound and gradient_off <= bound
        result.row(
            "Flat against packed, on this device",
            composition=name,
            precision=kind,
            loss=f"{loss_off:.1e}",
            gradient=f"{gradient_off:.1e}",
            bound=f"{bound:.0e}",
            within="yes" if within else "NO",
        )
        if not within:
            result.beyond(f"{name}, {kind}: loss {loss_off:.1e}, gradient {gradient_off:.1e}")


def growing(result: Result, tokens: int, folder: Path, sizes: Sizes) -> None:
    """Steps on prompts and answers of up to so many `tokens`, as many of them as make the same number of tokens."""
    data = text(folder, int(tokens / TOKENS_A_WORD), 64, sizes.text_vocabulary)
    model = Size(sizes.layers, sizes.width, sizes.heads).overrides(6 * tokens)
    runs = {layout: ours.offered(TEXT, [*data, *model, *SAME], layout, device_here()) for layout in ours.LAYOUTS}
    arms: dict[str, Any] = {}
    for layout, run in runs.items():
        if isinstance(run, str):
            result.note(f"Layout {layout} is not offered at {tokens} tokens: {run[:200]}")
        else:
            arms[f"{layout}, {tokens} tokens"] = layout_arm(run)
    batch = ours.batch(next(run for run in runs.values() if not isinstance(run, str)), sizes.flat_total // tokens)
    time_arms(result, arms, batch, "bf16", matrix_rate("bf16", sizes.product, sizes.round_seconds), sizes)
