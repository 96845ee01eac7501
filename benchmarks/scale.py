"""Growth of a step's cost: ``python -m benchmarks.scale``, about five minutes on one thread.

Time and added memory of an optimizer step (layout auto, fused AdamW, fp32) as one thing grows at a time, each
with the exponent of a power law fitted through its points; and the memory of cross-entropy over 131,072 tokens, in
chunks and plain. Writes results/scale.md, .csv and .svg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks import ours
from benchmarks.measuring import RESULTS, added_megabytes, exponent, medians, table, write_csv
from benchmarks.tasks import Size, random_spans, write_task
from benchmarks.training import optimizer_of, train_step
from jepa_core.objective.cross_entropy import cross_entropy_sum

ROUNDS = 5


@dataclass(frozen=True)
class Point:
    """entity: tokens of each entity; a fact has two of them and two tokens more."""

    batch: int = 64
    entity: int = 2
    k: int = 1
    vocabulary: int = 16_015
    width: int = 128
    layers: int = 2


#: Name of the growing quantity -> its sizes; 0 is left out of the fit.
SWEEPS = {
    "batch": (16, 32, 64, 128, 256),
    "entity": (1, 2, 4, 8, 16),
    "k": (0, 1, 4, 16, 32),
    "vocabulary": (2_048, 8_192, 32_768, 131_072),
    "width": (64, 128, 256, 512),
    "layers": (1, 2, 4, 8),
}


def step_of(point: Point) -> tuple[Callable[[], None], int]:
    """A whole optimizer step on one batch, planning included; and the tokens it runs."""
    size = Size(point.layers, point.width, max(1, point.width // 32))
    with TemporaryDirectory() as folder:
        write_task(Path(folder), random_spans(point.entity, point.entity, point.batch), point.vocabulary)
        run = ours.build("cosine_k1", [f"data.path={folder}", f"objective.k={point.k}", *size.overrides(128)])
    batch = run.collate(run.train_dataset.__getitems__(range(point.batch)))
    optimizer = optimizer_of(run.objective)

    def step() -> None:
        train_step(optimizer, ours.forward(run, ours.plan(run, batch, "cpu")).loss)

    return step, ours.tokens(ours.plan(run, batch, "cpu"))


def sweep(name: str) -> Iterator[dict[str, Any]]:
    """Yields a row for each point of a sweep; the points take turns."""
    points = {value: step_of(replace(Point(), **{name: value})) for value in SWEEPS[name]}
    for step, _ in points.values():
        step()
    seconds = medians({str(value): step for value, (step, _) in points.items()}, ROUNDS)
    for value, (step, tokens) in points.items():
        yield {
            "grows": name,
            "size": value,
            "tokens": tokens,
            "ms": round(seconds[str(value)] * 1e3, 1),
            "MB added": round(added_megabytes(step), 1),
        }


def fitted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for name in SWEEPS:
        own = [row for row in rows if row["grows"] == name and row["size"]]
        columns = {key: [row[key] for row in own] for key in ("size", "tokens", "ms", "MB added")}
        by_tokens = round(exponent(columns["tokens"], columns["ms"]), 2) if name in ("batch", "entity", "k") else ""
        found.append(
            {
                "grows": name,
                "from": own[0]["size"],
                "to": own[-1]["size"],
                "exponent of time": round(exponent(columns["size"], columns["ms"]), 2),
                "by tokens": by_tokens,
                "of memory": round(exponent(columns["size"], columns["MB added"]), 2),
            }
        )
    return found


def large_vocabulary(vocab: int = 131_072, width: int = 64) -> Iterator[dict[str, Any]]:
    """Forward and backward of the cross-entropy alone; a head's gradient is part of both."""
    head = torch.nn.Linear(width, vocab, bias=False)
    head(torch.zeros(1, width)).sum().backward()  # the gradient's own memory is there before
    for labels in (256, 512, 1024, 2048):
        states, ids = torch.randn(labels, width, requires_grad=True), torch.randint(vocab, (labels,))
        added = {
            "chunks": added_megabytes(lambda s=states, i=ids: cross_entropy_sum(head, s, i, vocab).backward()),
            "plain": added_megabytes(lambda s=states, i=ids: cross_entropy(head(s), i, reduction="sum").backward()),
        }
        yield {"labels": labels, **{f"{name}: MB added": round(value) for name, value in added.items()}}


def plot(rows: list[dict[str, Any]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(2, 3, figsize=(9, 5))
    for axes, name in zip(all_axes.flat, SWEEPS, strict=True):
        own = [row for row in rows if row["grows"] == name and row["size"]]
        for key in ("ms", "MB added"):
            axes.loglog([row["size"] for row in own], [row[key] for row in own], marker="o", label=key)
        axes.set_title(name, fontsize=9)
    all_axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(RESULTS / "scale.svg", metadata={"Date": None})


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for name in SWEEPS:
        rows += list(sweep(name))
        print(table(rows[-len(SWEEPS[name]) :]), flush=True)
    memory = list(large_vocabulary())
    text = f"""# How a step grows, {date.today()}

`python -m benchmarks.scale`: CPU, one thread, fp32. Where nothing else is said: 2 layers, width 128, batch 64,
entities of two tokens, k = 1, vocabulary 16,015. Points in `scale.csv`.
By tokens: the exponent of time against the tokens that go through the transformer.

{table(fitted(rows))}

Cross-entropy over 131,072 tokens, forward and backward:

{table(memory)}
"""
    write_csv(rows, RESULTS / "scale.csv")
    (RESULTS / "scale.md").write_text(text, encoding="utf-8")
    plot(rows)
    print(text)


if __name__ == "__main__":
    main()
