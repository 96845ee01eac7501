"""The report: markdown for people, JSON for whatever comes after, from what the stages have left so far."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.gpu.results import Result, read, write_whole
from benchmarks.gpu.stages import STAGES
from benchmarks.measuring import table

#: The characters kept from the end of a log.
LOG = 400_000
#: Evaluations of the long run, as its log names them.
EVALUATED = [
    f"eval_{split}_{name}" for split in ("train", "atomic", "test") for name in ("concept_mrr", "concept_hits@1")
]


def report(home: Path, out: Path, device: str, tiny: bool) -> None:
    """Writes OUT.md and OUT.json."""
    results = [result for name in STAGES if (result := read(home, name)) is not None]
    results = [_with_log(result, home) if result.stage == "scale" else result for result in results]
    content = {"device": device, "date": str(date.today()), "tiny": tiny, "stages": [_plain(r) for r in results]}
    write_whole(out.with_name(out.name + ".json"), json.dumps(content, indent=1, default=str) + "\n")
    write_whole(out.with_name(out.name + ".md"), markdown(results, device, tiny))


def markdown(results: list[Result], device: str, tiny: bool) -> str:
    sizes = " Tiny sizes, to try the script: no figure here means anything." if tiny or device == "cpu" else ""
    overview = [
        {"stage": STAGES[r.stage].title, "state": r.state, "seconds": r.seconds, "": r.reason.replace("|", "/")}
        for r in results
    ]
    head = f"# {device}, {date.today()}\n\n`scripts/gpu_check.sh`.{sizes}\n\n{table(overview) if overview else ''}\n"
    return head + "".join(f"\n{_section(result)}" for result in results)


def _section(result: Result) -> str:
    parts = [f"## {STAGES[result.stage].title}"]
    if result.state not in ("ok", "running"):
        parts.append(f"{result.state}: {result.reason}")
    parts += result.notes
    for caption, rows in result.tables.items():
        parts.append(f"{caption}:\n\n{table(rows)}")
    return "\n\n".join(parts) + "\n"


def _with_log(result: Result, home: Path) -> Result:
    """The long run, with the evaluations that stand in its log: they outlive a run that was ended."""
    rows = evaluations(home / "scale_run" / "run" / "metrics.jsonl")
    return replace(result, tables={**result.tables, "Evaluations while training": rows}) if rows else result


def evaluations(log: Path) -> list[dict[str, Any]]:
    if not log.is_file():
        return []
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return [
        {"step": line["step"], "seconds": line.get("seconds")}
        | {name.removeprefix("eval_"): round(line[name], 4) for name in EVALUATED if name in line}
        for line in lines
        if any(name in line for name in EVALUATED)
    ]


def copy_log(home: Path, path: Path) -> None:
    """Writes the output of the stages, one process after the other."""
    texts = [
        f"== {log.stem}\n{log.read_text(encoding='utf-8', errors='replace')[-LOG:]}"
        for log in sorted(home.glob("*.log"))
    ]
    write_whole(path, "\n".join(texts))


def slug(device: str) -> str:
    """``NVIDIA H100 80GB HBM3`` as a part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def _plain(result: Result) -> dict[str, Any]:
    return {name: value for name, value in vars(result).items() if name not in ("folder", "began", "deadline")}
