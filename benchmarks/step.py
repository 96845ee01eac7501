"""Times a training step against the naive way: ``python -m benchmarks.step``.

Every arm trains its own copy of the same model on the same batches. They take turns in one process with one
thread, so the machine's noise hits all alike; the figure is the ratio of medians. ``naive`` is
:mod:`benchmarks.naive`; ``packed`` and ``auto`` are this project's layouts. FLOPs are torch's count of matrix
products, forward and backward, of one step; the GEMM rate is that of a 1024³ fp32 product on this machine.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.naive import naive_step
from benchmarks.tasks import Batches, Size, batches, objective

RESULTS = Path(__file__).parent / "results"

#: name -> (size, batch, k): the reference configuration, a small one, and entities of 1 to 10 tokens.
CASES = {
    "full b64 k1": (Size(4, 768, 12), 64, 1),
    "full b64 k0": (Size(4, 768, 12), 64, 0),
    "full b64 k4": (Size(4, 768, 12), 64, 4),
    "full b64 k16": (Size(4, 768, 12), 64, 16),
    "full b256 k1": (Size(4, 768, 12), 256, 1),
    "small b64 k1": (Size(2, 128, 4), 64, 1),
    "small b256 k1": (Size(2, 128, 4), 256, 1),
    "small b64 k16": (Size(2, 128, 4), 64, 16),
    "mixed b64 k1": (Size(4, 768, 12, mixed=True), 64, 1),
    "mixed small b64 k1": (Size(2, 128, 4, mixed=True), 64, 1),
}


@dataclass
class Figure:
    """One arm of one case. ratio: naive's median over this one's; gemm_share: of the machine's GEMM rate."""

    case: str
    arm: str
    milliseconds: float
    ratio: float
    tokens: int
    gflop: float
    gemm_share: float


@dataclass
class Arm:
    """step: one optimizer step on a batch; tokens: how many go through the transformer for it."""

    step: Callable[[dict[str, torch.Tensor]], object]
    tokens: Callable[[dict[str, torch.Tensor]], int]


def arms(size: Size, k: int, data: Batches) -> dict[str, Arm]:
    return {
        "naive": naive_arm(size, k, data),
        "packed": our_arm(size, k, data, "packed", torch.float32),
        "auto": our_arm(size, k, data, "auto", torch.float32),
        "auto bf16": our_arm(size, k, data, "auto", torch.bfloat16),
    }


def naive_arm(size: Size, k: int, data: Batches) -> Arm:
    model = objective(size, k, data.vocabulary, "packed", activation="gelu_new").model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=False, fused=False)
    first, pred = data.vocabulary.first_relation_token_id, data.vocabulary.token_to_id["<PRED>"]

    def tokens(batch: dict[str, torch.Tensor]) -> int:
        real = (batch["roles"] != 0).sum(1)
        eligible = real[batch["sample_type"] == 0]
        return batch["input_ids"].numel() + len(eligible) * int(2 * eligible.max() + k)

    return Arm(lambda batch: naive_step(model, optimizer, batch, first, k, pred), tokens)


def our_arm(size: Size, k: int, data: Batches, layout: str, dtype: torch.dtype) -> Arm:
    ours = objective(size, k, data.vocabulary, layout, activation="gelu_pytorch_tanh")
    optimizer = torch.optim.AdamW(ours.parameters(), lr=1e-4, fused=True)

    def step(batch: dict[str, torch.Tensor]) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            loss = ours(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
        optimizer.step()

    return Arm(step, lambda batch: ours.plan(batch).padded_tokens)


def measure(case: str, rounds: int, rate: float) -> Iterator[Figure]:
    size, batch_size, k = CASES[case]
    data = batches(size, k, batch_size)
    contestants = arms(size, k, data)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        batch = data.batch(number)
        for name, arm in contestants.items():
            start = time.perf_counter()
            arm.step(batch)
            times[name].append(time.perf_counter() - start)
    batch = data.batch(0)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}  # the first warms up
    for name, arm in contestants.items():
        with FlopCounterMode(display=False) as counter:
            arm.step(batch)
        flop = counter.get_total_flops()
        yield Figure(
            case,
            name,
            round(medians[name] * 1e3, 1),
            round(medians["naive"] / medians[name], 2),
            arm.tokens(batch),
            round(flop / 1e9, 1),
            round(flop / medians[name] / rate, 2),
        )


def gemm_rate() -> float:
    """fp32 operations a second of a 1024³ product, the median of nine."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * 1024**3 / statistics.median(seconds[1:])


def plot(figures: list[Figure], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cases = list(dict.fromkeys(f.case for f in figures))
    chosen = ("packed", "auto", "auto bf16")
    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(cases) + 1.2))
    for offset, arm in enumerate(chosen):
        values = [next(f.ratio for f in figures if (f.case, f.arm) == (case, arm)) for case in cases]
        bars = axes.barh([i + 0.26 * (offset - 1) for i in range(len(cases))], values, height=0.25, label=arm)
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as the naive step")
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each case")
    parser.add_argument("--out", type=Path, default=RESULTS / "step", help="writes OUT.csv and OUT.svg")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rate = gemm_rate()
    print(f"fp32 GEMM: {rate / 1e9:.0f} GFLOP/s on one thread")
    print(f"{'case':20} {'arm':10} {'ms':>9} {'ratio':>6} {'tokens':>7} {'GFLOP':>7} {'of GEMM':>8}")
    figures = []
    for case in options.cases:
        for f in measure(case, options.rounds, rate):
            figures.append(f)
            print(
                f"{f.case:20} {f.arm:10} {f.milliseconds:9.1f} {f.ratio:6.2f} {f.tokens:7} {f.gflop:7.1f} "
                f"{f.gemm_share:8.2f}",
                flush=True,
            )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with open(options.out.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(asdict(figures[0])))
        writer.writeheader()
        writer.writerows(map(asdict, figures))
    plot(figures, options.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
