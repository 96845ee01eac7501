"""Times a training step against the naive way: ``python -m benchmarks.step``.

Every arm trains its own copy of the same model on the same batches. They take turns in one process with one
thread, so the machine's noise hits all alike, and in processor time, so that waiting for a core does not count;
the figure is the ratio of medians. ``naive`` is
:mod:`benchmarks.naive`; ``packed`` and ``auto`` are this project's layouts. FLOPs are torch's count of matrix
products, forward and backward, of one step; the GEMM rate is that of a 1024³ fp32 product on this machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import RESULTS, write_csv
from benchmarks.naive import naive_step
from benchmarks.tasks import Batches, Size, batches, objective

FULL, SMALL = Size(4, 768, 12), Size(2, 128, 4)
MIXED_FULL, MIXED_SMALL = Size(4, 768, 12, mixed=True), Size(2, 128, 4, mixed=True)

#: name -> (size, batch, k): the reference configuration, a small one, and entities of 1 to 10 tokens.
CASES = {
    **{f"full b64 k{k}": (FULL, 64, k) for k in (0, 1, 4, 16)},
    **{f"small b{batch} k{k}": (SMALL, batch, k) for batch in (64, 256) for k in (1, 16)},
    "mixed full b64 k1": (MIXED_FULL, 64, 1),
    "mixed small b64 k1": (MIXED_SMALL, 64, 1),
    **{f"full b256 k{k}": (FULL, 256, k) for k in (0, 1, 4, 16)},
}
#: What bf16 is timed on where the processor has no units for it, and a step of it takes very long.
SMALLEST = ("small b64 k1",)


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


def arms(case: str, data: Batches) -> dict[str, Arm]:
    size, _, k = CASES[case]
    found = {
        "naive": naive_arm(size, k, data),
        "packed": our_arm(size, k, data, "packed", torch.float32),
        "auto": our_arm(size, k, data, "auto", torch.float32),
    }
    if case in SMALLEST or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        found["auto bf16"] = our_arm(size, k, data, "auto", torch.bfloat16)
    return found


def naive_arm(size: Size, k: int, data: Batches) -> Arm:
    model = objective(size, k, data.vocabulary, "packed", activation="gelu_new").model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=False, fused=False)
    first, pred = data.vocabulary.first_relation_token_id, data.vocabulary.token_to_id["<PRED>"]

    def tokens(batch: dict[str, torch.Tensor]) -> int:
        real = (batch["tags"] != 0).sum(1)
        eligible = real[batch["group"] == 0]
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
    """Its first step warms an arm up and is counted, not timed."""
    size, batch_size, k = CASES[case]
    data = batches(size, k, batch_size)
    contestants = arms(case, data)
    flop = {name: count(arm, data.batch(0)) for name, arm in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        batch = data.batch(number)
        for name, arm in contestants.items():
            start = time.process_time()
            arm.step(batch)
            times[name].append(time.process_time() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, arm in contestants.items():
        yield Figure(
            case,
            name,
            round(medians[name] * 1e3, 1),
            round(medians["naive"] / medians[name], 2),
            arm.tokens(data.batch(0)),
            round(flop[name] / 1e9, 1),
            round(flop[name] / medians[name] / rate, 2),
        )


def count(arm: Arm, batch: dict[str, torch.Tensor]) -> int:
    with FlopCounterMode(display=False) as counter:
        arm.step(batch)
    return counter.get_total_flops()


def rounds_of(case: str, rounds: int) -> int:
    """Fewer where a step takes long: under half of them, and two at least."""
    size, batch_size, _ = CASES[case]
    return max(2, rounds * 2 // 5) if size.width > 128 and batch_size > 64 else rounds


def gemm_rate() -> float:
    """fp32 operations a second of a 1024³ product, the median of nine."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    seconds = []
    for _ in range(10):
        start = time.process_time()
        a @ b
        seconds.append(time.process_time() - start)
    return 2 * 1024**3 / statistics.median(seconds[1:])


def plot(figures: list[Figure], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cases = list(dict.fromkeys(f.case for f in figures))
    chosen = ("packed", "auto")
    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(cases) + 1.2))
    for offset, arm in enumerate(chosen):
        values = [next(f.ratio for f in figures if (f.case, f.arm) == (case, arm)) for case in cases]
        bars = axes.barh([i + 0.36 * (offset - 0.5) for i in range(len(cases))], values, height=0.34, label=arm)
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as the naive step")
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=4, help="timed rounds of each case")
    parser.add_argument("--out", type=Path, default=RESULTS / "step", help="writes OUT.csv and OUT.svg")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rate = gemm_rate()
    print(f"fp32 GEMM: {rate / 1e9:.0f} GFLOP/s on one thread")
    print(f"{'case':20} {'arm':10} {'ms':>9} {'ratio':>6} {'tokens':>7} {'GFLOP':>7} {'of GEMM':>8}")
    figures = []
    for case in options.cases:
        for f in measure(case, rounds_of(case, options.rounds), rate):
            figures.append(f)
            print(
                f"{f.case:20} {f.arm:10} {f.milliseconds:9.1f} {f.ratio:6.2f} {f.tokens:7} {f.gflop:7.1f} "
                f"{f.gemm_share:8.2f}",
                flush=True,
            )
        write_csv(list(map(asdict, figures)), options.out.with_suffix(".csv"))
    plot(figures, options.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
