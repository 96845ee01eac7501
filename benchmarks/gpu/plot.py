"""The picture of a check: ``python -m benchmarks.gpu.plot RESULT.json`` writes RESULT.svg."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PREFIX = "Steps in "


def draw(rows: dict[str, list[dict[str, Any]]], title: str, path: Path) -> None:
    """One column of axes a precision: above milliseconds a step, below times as fast as naive, by batch."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(rows), figsize=(4.2 * len(rows), 6.5), squeeze=False)
    for column, (kind, own) in enumerate(rows.items()):
        for arm in dict.fromkeys(row["arm"] for row in own):
            points = sorted((row["batch"], row["ms"], row["times naive"]) for row in own if row["arm"] == arm)
            batches, taken, ratios = zip(*points, strict=True)
            axes[0][column].loglog(batches, taken, marker="o", label=arm)
            axes[1][column].semilogx(batches, [ratio or float("nan") for ratio in ratios], marker="o", label=arm)
        axes[0][column].set_title(kind)
        axes[1][column].set_xlabel("batch")
        axes[1][column].axhline(1, color="grey", linewidth=1)
    axes[0][0].set_ylabel("ms a step")
    axes[1][0].set_ylabel("times as fast as naive")
    axes[0][0].legend(fontsize=7)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    source = Path(sys.argv[1])
    content = json.loads(source.read_text(encoding="utf-8"))
    tables = next((stage["tables"] for stage in content["stages"] if stage["stage"] == "steps"), {})
    rows = {name.removeprefix(PREFIX): own for name, own in tables.items() if name.startswith(PREFIX)}
    if rows:
        draw(rows, f"A training step, {content['device']}, {content['date']}", source.with_suffix(".svg"))


if __name__ == "__main__":
    main()
