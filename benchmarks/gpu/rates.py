"""The best that the device does: large matrix products in each precision, and copying within its memory."""

from __future__ import annotations

import torch

from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import PRECISIONS, device_here, milliseconds, products_in


def run(result: Result, sizes: Sizes) -> None:
    for kind in PRECISIONS:
        rate = matrix_rate(kind, sizes.product, sizes.round_seconds)
        result.row("Rates", what=f"matrix product {sizes.product}³, {kind}", value=f"{rate / 1e12:.3g} TFLOP/s")
    result.row("Rates", what="copy, bytes read and written", value=f"{copy_rate(sizes) / 1e12:.3g} TB/s")


def matrix_rate(kind: str, side: int, round_seconds: float) -> float:
    """Operations a second, on random numbers."""
    with products_in(kind):
        dtype = torch.bfloat16 if kind == "bf16" else torch.float32
        a, b = (torch.randn(side, side, device=device_here(), dtype=dtype) for _ in range(2))
        return 2 * side**3 / (milliseconds({"product": lambda: a @ b}, 3, round_seconds)["product"] / 1e3)


def copy_rate(sizes: Sizes) -> float:
    """Bytes a second, of 2 GiB on a GPU."""
    source = torch.randn(1024 if sizes.tiny else 2**29, device=device_here())
    target = torch.empty_like(source)
    seconds = milliseconds({"copy": lambda: target.copy_(source)}, 3, sizes.round_seconds)["copy"] / 1e3
    return 2 * source.numel() * source.element_size() / seconds
