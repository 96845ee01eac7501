"""The costs of data: packing, start-up, memory and the data path's share of a step.

    python -m benchmarks.data_path --facts 20000000

generates and packs a task (or takes one that --folder has already), then trains on it with the page cache
emptied first: the reference model for a few steps a batch size, a small one for as long as --steps says.
Each run is a process of its own. Prints tables, and writes results/data_path.md and .csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RESULTS = Path(__file__).parent / "results"
SMALL, FULL = {"n_layer": 2, "n_embd": 128, "n_head": 4}, {"n_layer": 4, "n_embd": 768, "n_head": 12}
MODELS = {"2 x 128": SMALL, "4 x 768": FULL}
COLUMNS = {
    "model": "model",
    "facts": "facts",
    "batch": "batch",
    "steps": "steps",
    "build_seconds": "build s",
    "first_step_seconds": "first step s",
    "own_mb_before_data": "own MB before data",
    "own_mb_first_step": "at first step",
    "own_mb_end": "at the end",
    "mapped_mb_end": "mapped MB at the end",
    "fetch_ms": "fetch ms",
    "plan_ms": "plan ms",
    "step_ms": "step ms",
    "fetch_percent": "fetch %",
    "data_path_percent": "fetch and plan %",
    "tokens_per_second_first_third": "tokens/s, first third",
    "tokens_per_second_last_third": "last third",
}


def sizes(facts: int) -> dict[str, int]:
    """Options of ``data generate`` for at least so many facts: 77 % in both directions, six relation pairs, about
    16,000 name tokens where that many entities can share them."""
    unit = -(-facts // 39)  # five parts of the entities both ways, three parts one way
    shared_by = 8
    while 8 * unit // (2 * shared_by) >= 8000 and (2 * shared_by) ** 2 <= 8 * unit:
        shared_by *= 2
    unit = -(-unit // shared_by) * shared_by
    return {"entities-both-ways": 5 * unit, "entities-one-way": 3 * unit, "relation-pairs": 6} | {
        "name-multiplicity": shared_by
    }


def pack(folder: Path, facts: int) -> dict[str, Any]:
    """Packs in a process of its own. pack_seconds, pack_peak_mb: of it."""
    options = [word for name, value in sizes(facts).items() for word in (f"--{name}", str(value))]
    began = time.monotonic()
    command = [sys.executable, "-m", "jepa_core.cli.main", "data", "generate", str(folder), "--packed", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    return {"pack_seconds": round(seconds, 1), "pack_peak_mb": round(peak)}


def resident() -> dict[str, float]:
    """MB of this process: its own memory, and mapped files (which the system takes back when it needs to)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {line.split(":")[0]: float(line.split()[1]) / 1e3 for line in lines if line.startswith("Rss")}
    return {"own": values["RssAnon"], "mapped": values["RssFile"]}


class Timed:
    """An iterator that adds up what it took. seconds: of the processor, so far."""

    def __init__(self, inner: Iterator[Any]):
        self.inner, self.seconds = inner, 0.0

    def __iter__(self) -> Timed:
        return self

    def __next__(self) -> Any:
        began = time.process_time()
        try:
            return next(self.inner)
        finally:
            self.seconds += time.process_time() - began


def train(folder: str, model: dict[str, int], batch: int, steps: int) -> dict[str, Any]:
    """A run of so many steps, in this process. Start-up is timed by the clock; the steps by the processor, so
    that what else runs on the machine does not show. Medians leave out the first tenth of the steps."""
    import torch
    from transformers import TrainerCallback

    import jepa_core
    from jepa_core.assembly.trainer import make_trainer  # its import takes seconds: not counted

    torch.set_num_threads(1)
    before = resident()
    began = time.perf_counter()
    overrides = [f"data.path={folder}", f"training.per_device_train_batch_size={batch}", f"output_dir={folder}.run"]
    overrides += [f"model.config.{name}={value}" for name, value in model.items()]
    overrides += [f"training.max_steps={steps}", "training.save_steps=null", f"training.logging_steps={steps + 1}"]
    run = jepa_core.build(jepa_core.load_recipe("cosine_k1", overrides), device="cpu")
    built = time.perf_counter() - began
    trainer = make_trainer(run)
    first: list[float] = []
    ends: list[float] = []
    fetch: list[float] = []
    plan: list[float] = []
    tokens: list[int] = []
    memory: list[dict[str, float]] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            first.append(time.perf_counter())
            ends.append(time.process_time())
            memory.append(resident())

    stock, make_plan = trainer.get_batch_samples, run.objective.plan
    planning = [0.0]  # seconds, so far

    def timed_plan(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        made = make_plan(*args, **kwargs)
        planning[0] += time.process_time() - start
        return made

    def timed(iterator: Iterator[Any], *args: Any) -> Any:
        waiting, start, before = Timed(iterator), time.process_time(), planning[0]
        batches, counts = stock(waiting, *args)
        planned = planning[0] - before  # while waiting for the loader
        fetch.append(waiting.seconds - planned)
        plan.append(time.process_time() - start - fetch[-1])
        tokens.append(sum(batch["plan"].tokens for batch in batches))
        return batches, counts

    trainer.get_batch_samples, run.objective.plan = timed, timed_plan
    trainer.add_callback(Clock())
    started = time.perf_counter()
    trainer.train()
    third = steps // 3
    skip = max(1, steps // 10)
    step = [b - a for a, b in pairwise(ends)][skip:]
    middle = {name: sorted(v[skip:])[len(v[skip:]) // 2] for name, v in (("fetch", fetch), ("plan", plan))}
    whole = sorted(step)[len(step) // 2]

    def rate(start: int, stop: int) -> float:
        return sum(tokens[start + 1 : stop + 1]) / (ends[stop] - ends[start])

    return {
        "batch": batch,
        "steps": steps,
        "build_seconds": round(built, 2),
        "first_step_seconds": round(first[0] - started, 2),
        "own_mb_before_data": round(before["own"]),
        "own_mb_first_step": round(memory[0]["own"]),
        "own_mb_end": round(memory[-1]["own"]),
        "mapped_mb_end": round(memory[-1]["mapped"]),
        "fetch_ms": round(middle["fetch"] * 1e3, 3),
        "plan_ms": round(middle["plan"] * 1e3, 3),
        "step_ms": round(whole * 1e3, 2),
        "fetch_percent": round(100 * middle["fetch"] / whole, 2),
        "data_path_percent": round(100 * (middle["fetch"] + middle["plan"]) / whole, 2),
        "tokens_per_second_first_third": round(rate(0, third)),
        "tokens_per_second_last_third": round(rate(steps - 1 - third, steps - 1)),
    }


def order(facts: int) -> dict[str, Any]:
    """Measures the cost of an epoch's first index and of the next million, ours and torch's RandomSampler's."""
    from torch.utils.data import RandomSampler

    from jepa_core.training.sampler import EpochSampler

    found: dict[str, Any] = {"facts": facts}
    for name, sampler in (("ours", EpochSampler(facts, 0)), ("torch", RandomSampler(range(facts)))):
        before, began = resident()["own"], time.perf_counter()
        indices = iter(sampler)
        next(indices)
        found |= {f"{name}_first_ms": round((time.perf_counter() - began) * 1e3, 2)}
        found |= {f"{name}_mb": round(resident()["own"] - before)}
        began = time.perf_counter()
        for _ in zip(range(1_000_000), indices, strict=False):
            pass
        found |= {f"{name}_ns_an_index": round((time.perf_counter() - began) * 1e3)}
    return found


def drop_cache(folder: Path) -> None:
    """Asks the system to forget what it has read of these files, so that a run starts cold."""
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def alone(name: str, *words: object) -> dict[str, Any]:
    """A function of this module in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.data_path", "--only", json.dumps([name, *words])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def compare(folder: Path, facts: int, steps: int, full_steps: int) -> tuple[list[dict], list[dict], dict]:
    """Packings, runs and the order's costs; a task of 2,000 facts is there to compare with."""
    packings, runs = [], []
    for count, where in ((2000, folder / "small"), (facts, folder / "large")):
        packed = {"pack_seconds": None, "pack_peak_mb": None} if where.exists() else pack(where, count)
        found = json.loads((where / "manifest.json").read_text())["train"]
        size = sum(path.stat().st_size for path in where.iterdir()) / 1e6
        packings.append({"facts": found["facts"], "mb": round(size, 1), **packed})
    for number, (where, model, batch, count) in enumerate(
        [
            (folder / "small", "2 x 128", 64, min(steps, 300)),
            *((folder / "large", "2 x 128", batch, steps * 64 // batch) for batch in (64, 256)),
            *((folder / "large", "4 x 768", batch, full_steps) for batch in (64, 256)),
        ]
    ):
        drop_cache(where)
        size = packings[min(number, 1)]["facts"]
        runs.append({"model": model, "facts": size, **alone("train", str(where), MODELS[model], batch, count)})
        print(json.dumps(runs[-1]), file=sys.stderr)
    return packings, runs, alone("order", facts)


def table(rows: list[dict], columns: dict[str, str]) -> str:
    lines = [list(columns.values()), ["---"] * len(columns)]
    lines += [[f"{v:,}" if isinstance(v, int) else str(v) for v in (row[c] for c in columns)] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(packings: list[dict], runs: list[dict], order_costs: dict) -> str:
    ours, torchs = (
        [f"{order_costs[f'{name}_{what}']:,}" for what in ("first_ms", "mb", "ns_an_index")]
        for name in ("ours", "torch")
    )
    return f"""# The data path, {date.today()}

`python -m benchmarks.data_path`: 2 cores, CPU, one thread; page cache emptied before each run.

{table(packings, {"facts": "facts", "mb": "MB on disk", "pack_seconds": "packed in s", "pack_peak_mb": "peak MB"})}

{table(runs, COLUMNS)}

Build: recipe, data and model, from imports done to objective ready; that and the first step by the clock, all
else in processor time, medians. Own memory is the process's without mapped files; those are the page cache's,
and go when something else needs the room. Fetch: the order, reading and collating of a batch; plan: filters,
views and layout.

The order of an epoch of {order_costs["facts"]:,} facts, ours: first index after {ours[0]} ms, {ours[1]} MB, then
{ours[2]} ns an index (also what a resumed run pays for each sample of the epoch that it skips); torch's
`RandomSampler`: {torchs[0]} ms, {torchs[1]} MB, {torchs[2]} ns.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, help="keep the packed tasks here, and take those that are")
    parser.add_argument("--steps", type=int, default=1500, help="of the small model")
    parser.add_argument("--full-steps", type=int, default=12, help="of the reference model")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, *words = json.loads(options.only)
        print(json.dumps({"train": train, "order": order}[name](*words)))
        return
    with TemporaryDirectory() as temporary:
        packings, runs, order_costs = compare(
            options.folder or Path(temporary), options.facts, options.steps, options.full_steps
        )
    text = page(packings, runs, order_costs)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "data_path.md").write_text(text, encoding="utf-8")
    with open(RESULTS / "data_path.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["date", *runs[0]])
        writer.writeheader()
        writer.writerows({"date": str(date.today()), **run} for run in runs)
    print(text)


if __name__ == "__main__":
    main()
