"""Growth by other sizes than a step's batch and model, with exponents: ``python -m benchmarks.growth``, some minutes on
one thread.

Parameters: operations and bytes of a step, counted on the meta device from one and two layers, where tensors have
shapes and no numbers. Length: the numbers of a packed mask and of what a stream takes in its place, counted.
Vocabulary: a step, measured. Entities: time and memory of InfoNCE against a bank of all of them, measured. Data: what
the order of an epoch and a packed store cost, measured and counted. What grows with batch, k, width and layers is in
results/scale.md. Writes results/growth.md and .csv.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import projection
from benchmarks.measuring import RESULTS, added_megabytes, exponent, medians, table, write_csv
from benchmarks.projection import SHARED, WAYS, Assumptions, held, operations, parameters
from benchmarks.scale import Point, step_of
from jepa_core.objective.arrangement import Block
from jepa_core.objective.one_stream import one_stream
from jepa_core.tensors import tensors
from jepa_core.training.sampler import Permutation
from jepa_plugins.infonce_distance import InfoNceDistance

#: Llama shapes: width, layers, inner width. The last is Llama 3.2's 1 B.
SHAPES = ((256, 8, 1024), (512, 8, 2048), (1024, 12, 4096), (2048, 16, 8192))
LENGTHS = (256, 1024, 4096, 16_384)
VOCABULARIES = (16_384, 65_536, 262_144)
ENTITIES = (1_000, 10_000, 100_000, 1_000_000)
SAMPLES = (1_000_000, 10_000_000, 100_000_000)
PAIRS, WIDTH, ROUNDS = 256, 64, 3
#: Bytes of a fact in the packed store, see results/data_path.md: 20,007,936 facts are 500.7 MB.
BYTES_A_FACT = 25.03

Row = dict[str, Any]


def by_parameters() -> list[Row]:
    """Pairs of 1,024 tokens, as in the projection; bytes with all of it on one device."""
    assumed, found = Assumptions(), []
    for width, layers, inner in SHAPES:
        shape = {"hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner}
        with patch.dict(projection.LLAMA, {"own": {**shape, "tie_word_embeddings": True}}):
            count = parameters("own")
            flop = operations("own", WAYS["ours"], assumed)
            memory = held("own", count, 1, WAYS["ours"], assumed)
        inside = count - width * SHARED["vocab_size"]
        found.append({"parameters": count, "without embeddings": inside, "TFLOP a pair": round(flop / 1e12, 3)})
        found[-1]["GB"] = round(memory / 1e9, 2)
    return found


def by_length() -> list[Row]:
    """A batch of 8 samples with second views of the same length."""
    found = []
    for length in LENGTHS:
        ids = torch.ones(8, length // 2, dtype=torch.int64)
        block = Block(ids, ids, torch.arange(length // 2).expand_as(ids), torch.arange(8))
        stream: Any = one_stream([block, block], by_sample=True).calls[0].stream
        numbers = sum(each.numel() for each in tensors([getattr(stream, name) for name in vars(stream)]))
        tiles = len(stream.first)
        found.append({"tokens of a sample": length, "packed mask": 8 * length**2, "stream": numbers + 2 * tiles**2})
    return found


def by_entities() -> list[Row]:
    """Forward and backward, 256 pairs of width 64; the bank's gradient is part of it."""
    found = []
    for count in ENTITIES:
        generator = torch.Generator().manual_seed(0)
        predicted, target = (torch.randn(PAIRS, WIDTH, generator=generator, requires_grad=True) for _ in range(2))
        bank = torch.randn(count, WIDTH, generator=generator, requires_grad=True)
        index = torch.randint(count, (PAIRS,), generator=generator)
        distance = InfoNceDistance(0.05, "bank")

        step = partial(_compare, distance, (predicted, target, bank), index)

        row = {"entities": count, "ms": round(1e3 * medians({"step": step}, ROUNDS)["step"], 1)}
        row["MB added"] = round(added_megabytes(step), 1)
        with patch("jepa_plugins.infonce_distance.COSINES", 1 << 62):
            row["MB added, all at once"] = round(added_megabytes(step), 1)
        found.append(row | {"MB of the bank": round(4 * count * WIDTH / 1e6, 1)})
    return found


def _compare(distance: InfoNceDistance, given: Sequence[torch.Tensor], index: torch.Tensor) -> None:
    distance(given[0], given[1], bank=given[2], bank_index=index).mean().backward()
    for each in given:
        each.grad = None


def by_vocabulary() -> list[Row]:
    """A step of 2 × 128 at batch 64, sizes taking turns."""
    points = {size: step_of(replace(Point(), vocabulary=size)) for size in VOCABULARIES}
    for step, _ in points.values():
        step()
    seconds = medians({str(size): step for size, (step, _) in points.items()}, ROUNDS)
    return [
        {
            "tokens of the vocabulary": size,
            "ms": round(1e3 * seconds[str(size)], 1),
            "MB added": round(added_megabytes(step), 1),
            "MB of weights and optimizer": round(3 * 4 * 128 * size / 1e6, 1),
        }
        for size, (step, _) in points.items()
    ]


def by_samples() -> list[Row]:
    """The first batch of an epoch's order, and bytes of the store on disk, which is mapped and not read."""
    import numpy as np

    found = []
    for count in SAMPLES:

        def first(count: int = count) -> None:
            Permutation(count, seed=0, epoch=1)(np.arange(8192))

        first()
        start = time.process_time()
        first()
        taken = time.process_time() - start
        row = {
            "samples": count,
            "ms to the first batch": round(1e3 * taken, 2),
            "MB added": round(added_megabytes(first), 1),
        }
        found.append(
            row | {"MB of a torch permutation": round(8 * count / 1e6), "GB on disk": count * BYTES_A_FACT / 1e9}
        )
        found[-1]["GB on disk"] = round(found[-1]["GB on disk"], 2)
    return found


def exponents(grows: str, rows: Sequence[Row], size: str) -> list[Row]:
    """The exponents by `size` of every other column with numbers above 0."""
    names = [name for name in rows[0] if name != size and all(row[name] > 0 for row in rows)]
    sizes = [row[size] for row in rows]
    return [
        {
            "grows": grows,
            "from": sizes[0],
            "to": sizes[-1],
            "what": name,
            "exponent": round(exponent(sizes, [row[name] for row in rows]), 2),
        }
        for name in names
    ]


#: Name of the growing size -> its key, words, and the function that counts or measures.
PARTS: dict[str, tuple[str, str, Callable[[], list[Row]]]] = {
    "parameters": (
        "parameters",
        "Counted: a pair of 1,024 tokens, k = 1, ours; bytes with all of it on one device.",
        by_parameters,
    ),
    "length": ("tokens of a sample", "Counted: 8 samples, the numbers that say who sees whom.", by_length),
    "vocabulary": ("tokens of the vocabulary", "Measured: a step of 2 × 128 at batch 64, one thread.", by_vocabulary),
    "entities": (
        "entities",
        "Measured: InfoNCE of 256 pairs against a bank of width 64, one thread. From 524,288 entities on pairs are "
        "taken part by part; below that both columns of memory are of the same way, and differ by chance.",
        by_entities,
    ),
    "data": (
        "samples",
        "Measured: the order of an epoch, against a permutation that is held; bytes of the packed store counted.",
        by_samples,
    ),
}


def page(found: Mapping[str, list[Row]]) -> str:
    fits = [row for name, rows in found.items() for row in exponents(name, rows, PARTS[name][0])]
    tables = "\n\n".join(f"{PARTS[name][1]}\n\n{table(rows)}" for name, rows in found.items())
    return f"# What else grows, {date.today()}\n\n`python -m benchmarks.growth`.\n\n{table(fits)}\n\n{tables}\n"


def earlier(path: Path) -> dict[str, list[Row]]:
    """The rows of a former run, by what grows."""
    found: dict[str, dict[str, Row]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for point in csv.DictReader(file):
            rows = found.setdefault(point["grows"], {})
            value = float(point["value"])
            rows.setdefault(point["size"], {})[point["what"]] = int(value) if value.is_integer() else value
    return {name: list(rows.values()) for name, rows in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="keeps what others gave")
    chosen = parser.parse_args().only
    torch.set_num_threads(1)
    known = earlier(RESULTS / "growth.csv") if set(chosen) != set(PARTS) else {}
    found = {name: PARTS[name][2]() if name in chosen else known[name] for name in PARTS}
    (RESULTS / "growth.md").write_text(page(found), encoding="utf-8")
    points = [
        {"grows": name, "size": row[PARTS[name][0]], "what": what, "value": value}
        for name, rows in found.items()
        for row in rows
        for what, value in row.items()
    ]
    write_csv(points, RESULTS / "growth.csv")
    print(page(found))


if __name__ == "__main__":
    main()
