"""Times the evaluation of 3 splits of 3,000 samples against a loop over samples: ``python -m benchmarks.evaluation``.

The loop is what most people would write: per sample a forward pass with logits at every position, per answer
token its rank over the 16,015 tokens, for a paired sample a second, packed pass and its cosine. It runs on
every thirtieth sample, and its time counts thirty times. Both take turns in one process with one thread. Writes
results/evaluation.md and .csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import date
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.measuring import RESULTS, added_megabytes, medians, table, write_csv
from benchmarks.tasks import FULL, PAPER, SMALL, Size, two_tokens
from benchmarks.yardsticks import Yardstick

SIZES = {"2 x 128": SMALL, "4 x 768": FULL}
SAMPLES, EVERY, K = 3000, 30, 1


@torch.no_grad()
def loop(model: torch.nn.Module, split: Any, rows: Iterable[int], pred: int, collate: Any) -> tuple[float, float]:
    """Mean reciprocal rank and mean distance of these samples."""
    yardstick = Yardstick(model, "cpu", pred, K)
    ranks, distances = [], []
    for row in rows:
        batch = collate(split.__getitems__([row]))
        logits = model(input_ids=batch["input_ids"]).logits[0]
        ranks.append(reciprocal_rank(logits, batch["labels"][0]))
        if ours.eligible(batch)[0]:
            distances.append(yardstick.packed_pass(two_tokens(batch)).item())
    return sum(ranks) / len(ranks), sum(distances) / max(len(distances), 1)


def reciprocal_rank(logits: Tensor, labels: Tensor) -> float:
    """The mean reciprocal rank over a sample's answer tokens, ties counted half."""
    found = []
    for place, label in enumerate(labels.tolist()):
        if label != -100:
            row, own = logits[place - 1], logits[place - 1, label]
            better, ties = (row > own).sum().item(), (row == own).sum().item() - 1
            found.append(1 / (1 + better + ties / 2))
    return sum(found) / len(found)


def build(size: Size, samples: int, folder: str, batch_size: int = 512) -> Any:
    """Builds a run with `samples` samples in each split, evaluated `batch_size` at once."""
    overrides = [f"data.evaluation_samples={samples}", f"evaluation.batch_size={batch_size}", f"output_dir={folder}"]
    built = ours.build("cosine_k1", [*PAPER, *overrides, "objective.positions=restart", *size.overrides()])
    built.objective.eval()
    return built


def loops(run: Any, every: int) -> dict[str, tuple[float, float]]:
    """Evaluates every split by the loop, on each `every`-th sample."""
    model, pred = run.objective.model, ours.pred_id(run)
    return {
        name: loop(model, split, range(0, len(split), every), pred, run.collate)
        for name, split in run.eval_datasets.items()
    }


def agree(size: Size, folder: str) -> None:
    """The two agree, or there is nothing to compare."""
    run = build(size, SAMPLES // EVERY, folder)
    metrics = run.trainer.evaluate_splits()
    for split, (mrr, distance) in loops(run, 1).items():
        assert abs(metrics[split]["mrr"] - mrr) < 1e-4 * mrr, split
        if metrics[split]["jepa_loss"] is not None:
            assert abs(metrics[split]["jepa_loss"] - distance) < 1e-4, split


def measure(name: str, rounds: int) -> dict[str, object]:
    with TemporaryDirectory() as folder:
        agree(SIZES[name], folder)
        runs = {size: build(SIZES[name], SAMPLES, folder, size) for size in (512, SAMPLES)}
        memory = {size: round(added_megabytes(run.trainer.evaluate_splits)) for size, run in runs.items()}
        run = runs[512]
        seconds = medians({"ours": run.trainer.evaluate_splits, "loop": lambda: loops(run, EVERY)}, rounds)
    return {
        "model": name,
        "samples": 3 * SAMPLES,
        "ours s": round(seconds["ours"], 2),
        "loop s": round(seconds["loop"] * EVERY, 1),
        "ratio": round(seconds["loop"] * EVERY / seconds["ours"], 1),
        "MB added, batch 512": memory[512],
        f"MB added, batch {SAMPLES}": memory[SAMPLES],
        f"MB of the logits of {SAMPLES} samples' labels": round(2 * SAMPLES * ours.vocabulary_size(run) * 4 / 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", nargs="*", choices=list(SIZES), default=["2 x 128"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in options.models:
        rows.append(measure(name, options.rounds))
        print(rows[-1], flush=True)
    write_csv(rows, RESULTS / "evaluation.csv")
    text = f"""# Evaluation against a loop over samples, {date.today()}

`python -m benchmarks.evaluation`: CPU, one thread, fp32, vocabulary 16,015. Both take turns; medians of two
rounds, processor time. The loop ran on every thirtieth sample, and its time is thirty times that.

{table(rows)}
"""
    (RESULTS / "evaluation.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
