"""The time of a training step, saving by saving: ``python -m benchmarks.step``.

Every arm trains its own copy of the same model on the same batches, with the same activation and the same
optimizer; a + has one saving more than the line above it. What many leave as it comes, the optimizer as a loop
over tensors and GPT-2's default activation, stands in lines of its own. Arms take turns in one process with one
thread, in processor time, so that waiting for a core does not count; figures are medians. FLOPs are torch's
count of the matrix products of one step, forward and backward, attention by its plain kernel in all arms; they
are exact, and the same on any machine. Writes results/step.md, .csv and .svg.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import ours
from benchmarks.measuring import RESULTS, table, write_csv
from benchmarks.savings import Savings, floor
from benchmarks.tasks import FULL, PAPER, SMALL, Size, Spans, prompts_and_answers, random_spans, two_tokens, write_task
from benchmarks.training import optimizer_of, train_step
from benchmarks.yardsticks import Rows

Losses = Callable[[Rows], tuple[Tensor, Tensor]]
NAIVE = "naive: two passes"
PUBLIC = "public layout: one padded call"
OURS = "+ last MLP where it is read: ours"


@dataclass(frozen=True)
class Case:
    """spans: of random samples, over this vocabulary; None is the task of two-token names, which has its own. padded:
    width of the public layout's rows."""

    size: Size
    batch: int
    k: int = 1
    spans: Callable[[], Spans] | None = None
    padded: int | None = None
    vocabulary: int = 16_015


CASES = {
    "2 × 128, batch 64, k = 1": Case(SMALL, 64),
    "2 × 128, batch 64, k = 16": Case(SMALL, 64, k=16),
    "2 × 128, batch 256, k = 1": Case(SMALL, 256),
    "2 × 128, names of 1 to 10 tokens": Case(SMALL, 64, spans=lambda: random_spans(1, 10, 2000)),
    "4 × 256, rows of 20 to 120 tokens": Case(
        Size(4, 256, 4), 8, spans=lambda: prompts_and_answers(20, 120, 200), padded=512
    ),
    "4 × 768, batch 64, k = 1": Case(FULL, 64),
}


@dataclass(frozen=True)
class Arm:
    """losses: (ntp, jepa) of a batch; optimizer: of its model."""

    losses: Callable[[ours.Batch], tuple[Tensor, Tensor]]
    optimizer: torch.optim.Optimizer

    def step(self, batch: ours.Batch) -> None:
        ntp, jepa = self.losses(batch)
        train_step(self.optimizer, ntp + jepa)


class Contest:
    """The arms of a case and its batches. Arms of one kind share a model, since what it has learned takes no time."""

    def __init__(self, case: Case, folder: Path):
        self.case = case
        self.rows_of, data = two_tokens, list(PAPER)
        if case.spans is not None:
            spans = case.spans()
            write_task(folder, spans, case.vocabulary)
            self.rows_of, data = spans.rows, [f"data.path={folder}"]
        self.overrides = [*data, f"objective.k={case.k}", "objective.positions=restart", *case.size.overrides(600)]
        self.run = ours.build("cosine_k1", self.overrides)
        self.arms = {**self._naive_arms(), **self._our_arms()}

    def batch(self, number: int) -> ours.Batch:
        return ours.batch(self.run, self.case.batch, number)

    def _naive_arms(self) -> dict[str, Arm]:
        plain = self._plain()
        optimizer = optimizer_of(plain.model)
        as_loop = torch.optim.AdamW(plain.model.parameters(), lr=1e-4, foreach=False, fused=False)
        slow = self._plain("gelu_new")
        ladder = {
            NAIVE: plain.two_passes,
            "two model calls, all hidden states": plain.two_model_calls,
            PUBLIC: plain.padded,
            "+ logits at labels alone": plain.labels_alone,
            "+ one pass": plain.one_pass,
            "+ rows, no mask": plain.rows_of_one_width,
        }
        return {
            "naive, optimizer as a loop": Arm(self._on_rows(plain.two_passes), as_loop),
            "naive, activation gelu_new": Arm(self._on_rows(slow.two_passes), optimizer_of(slow.model)),
            **{name: Arm(self._on_rows(losses), optimizer) for name, losses in ladder.items()},
        }

    def _plain(self, activation: str | None = None) -> Savings:
        model = ours.plain_model(self.run, "cpu", activation)
        return Savings(model, "cpu", ours.pred_id(self.run), self.case.k, self.case.padded)

    def _on_rows(self, losses: Losses) -> Callable[[ours.Batch], tuple[Tensor, Tensor]]:
        return lambda batch: losses(self.rows_of(batch))

    def _our_arms(self) -> dict[str, Arm]:
        optimizer = optimizer_of(self.run.objective)

        def losses(batch: ours.Batch) -> tuple[Tensor, Tensor]:
            out = ours.forward(self.run, ours.plan(self.run, batch, "cpu"))
            return out.loss - out.jepa_loss, out.jepa_loss

        def whole_mlp(batch: ours.Batch) -> tuple[Tensor, Tensor]:
            with ours.whole_last_mlp(self.run):
                return losses(batch)

        return {"+ rows of like width together": Arm(whole_mlp, optimizer), OURS: Arm(losses, optimizer)}

    def floor(self, batch: ours.Batch) -> int:
        size, vocabulary = self.case.size, ours.vocabulary_size(self.run)
        return floor(self.rows_of(batch), self.case.k, size.layers, size.width, vocabulary)


def agree(contest: Contest) -> None:
    """All arms compute the same before any has trained, or there is nothing to compare."""
    batch = contest.batch(0)
    with torch.no_grad():
        found = {name: torch.stack(arm.losses(batch)) for name, arm in contest.arms.items()}
    for name, losses in found.items():
        torch.testing.assert_close(losses, found[NAIVE], rtol=1e-4, atol=1e-5, msg=f"{name} computes something else")


def count(arm: Arm, batch: ours.Batch) -> int:
    """The fused kernel of a CPU's attention is a blank to the counter, hence the plain one."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        arm.step(batch)
    return counter.get_total_flops()


def measure(case: Case, rounds: int) -> list[dict[str, Any]]:
    """A row an arm, and one for the floor. The step that is counted warms an arm up."""
    with TemporaryDirectory() as folder:
        contest = Contest(case, Path(folder))
    agree(contest)
    flop = {name: count(arm, contest.batch(0)) for name, arm in contest.arms.items()}
    times: dict[str, list[float]] = {name: [] for name in contest.arms}
    for number in range(rounds):
        batch = contest.batch(number)
        for name, arm in contest.arms.items():
            start = time.process_time()
            arm.step(batch)
            times[name].append(time.process_time() - start)
    least = contest.floor(contest.batch(0))
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    rows = [_row(name, flop, median, times[name], least) for name in contest.arms]
    return [
        *rows,
        {"": "floor: nothing that no loss reads", "GFLOP": round(least / 1e9, 2), **_fewer(flop[NAIVE] / least)},
    ]


def _row(name: str, flop: dict[str, int], median: dict[str, float], seconds: list[float], least: int) -> dict[str, Any]:
    return {
        "": name,
        "GFLOP": round(flop[name] / 1e9, 2),
        **_fewer(flop[NAIVE] / flop[name]),
        "of the floor": f"{100 * least / flop[name]:.0f} %",
        "ms": round(1e3 * median[name], 1),
        "from – to": f"{1e3 * min(seconds):.1f} – {1e3 * max(seconds):.1f}",
        "times as fast": f"{median[NAIVE] / median[name]:.2f}",
    }


def _fewer(ratio: float) -> dict[str, str]:
    return {"times fewer": f"{ratio:.2f}"}


def plot(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draws the bars of naive over ours for every case: operations, time, and the floor."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(results)
    own = [next(row for row in rows if row[""] == OURS) for rows in results.values()]
    bars = {
        "operations": [float(row["times fewer"]) for row in own],
        "processor time": [float(row["times as fast"]) for row in own],
        "floor of operations": [float(rows[-1]["times fewer"]) for rows in results.values()],
    }
    figure, axes = pyplot.subplots(figsize=(8, 0.75 * len(names) + 1.2))
    for offset, (label, values) in enumerate(bars.items()):
        drawn = axes.barh([i + 0.27 * (offset - 1) for i in range(len(names))], values, height=0.25, label=label)
        axes.bar_label(drawn, fmt="%.2f", padding=2, fontsize=7)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("naive step over ours, same activation, optimizer and precision")
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def write(results: dict[str, list[dict[str, Any]]], rounds: int, out: Path) -> None:
    parts = [f"### {name}\n\n{table(rows)}" for name, rows in results.items()]
    head = f"One thread of {processor()}, fp32, vocabulary 16,015, {date.today()}, medians of {rounds} rounds or more."
    out.with_suffix(".md").write_text("\n\n".join([head, *parts]) + "\n", encoding="utf-8")
    keys = list(dict.fromkeys(key for rows in results.values() for row in rows for key in row))
    flat = [{"case": name, **dict.fromkeys(keys), **row} for name, rows in results.items() for row in rows]
    write_csv(flat, out.with_suffix(".csv"))


def earlier(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a former run, by case."""
    results: dict[str, list[dict[str, Any]]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            results.setdefault(row.pop("case"), []).append(
                {key: value for key, value in row.items() if value or not key}
            )
    return results


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds of each case")
    parser.add_argument("--out", type=Path, default=RESULTS / "step", help="writes OUT.md, .csv and .svg")
    parser.add_argument("--add", action="store_true", help="keeps the cases that OUT.csv has already")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = earlier(options.out.with_suffix(".csv")) if options.add else {}
    for name in options.cases:
        results[name] = measure(CASES[name], options.rounds)
        print(f"{name}\n{table(results[name])}", flush=True)
        write(results, options.rounds, options.out)
    plot(results, options.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
