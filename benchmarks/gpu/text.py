"""Optimizer steps on long rows: two spans of random tokens, as a prompt and its answer, of up to 1,024 tokens."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.gpu.arms import agree, make_arms, time_arms
from benchmarks.gpu.rates import matrix_rate
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import PRECISIONS
from benchmarks.yardsticks import Rows

SAMPLES = 256


def run(result: Result, sizes: Sizes) -> None:
    with TemporaryDirectory() as folder:
        heads, tails = write_task(Path(folder), sizes)

        def rows_of(batch: ours.Batch) -> Rows:
            which = batch["index"]
            return Rows(batch["input_ids"], batch["labels"], heads[which], tails[which], ours.eligible(batch))

        model = ours.config(sizes.text_layers, sizes.text_width, sizes.text_heads, 2 * sizes.text_tokens + 8)
        overrides = [f"data.path={folder}", *model]
        loader = ours.build("cosine_k1", overrides)
        arms = make_arms(result, overrides, rows_of)
        agree(result, arms, ours.batch(loader, 2))
        for kind in PRECISIONS:
            rate = matrix_rate(kind, sizes.product, sizes.round_seconds)
            took = 0.0  # a sample, with all arms
            for size in sizes.text_batches:
                if result.left() < 1.3 * took * size:
                    result.note(f"Left out for want of time: {kind} at batch {size}.")
                    continue
                began = time.time()
                time_arms(result, arms, ours.batch(loader, size), kind, rate, sizes)
                took = (time.time() - began) / size


def write_task(folder: Path, sizes: Sizes) -> tuple[Tensor, Tensor]:
    """A task of long rows, half to all of the length that is asked for, a third of it answers; returns how many tokens
    the two spans of each row have."""
    generator = torch.Generator().manual_seed(0)
    names, mask = _vocabulary(sizes.text_vocabulary)
    lengths = torch.randint(sizes.text_tokens // 2, sizes.text_tokens + 1, (SAMPLES,), generator=generator)
    tails = (lengths - 2) // 3
    heads = lengths - 2 - tails

    def fact(head: int, tail: int, kind: str) -> dict[str, object]:
        spans = [torch.randint(mask, (n,), generator=generator).tolist() for n in (head, tail)]
        return {"input_text": [spans[0], [mask + 1], [mask]], "target_text": [spans[1]], "type": kind}

    pairs = list(zip(heads.tolist(), tails.tolist(), strict=True))
    train = [fact(head, tail, "train") for head, tail in pairs]
    valid = {kind: [fact(*pairs[0], kind)] for kind in ("atomic", "test")} | {"train": train[:1]}
    for name, content in {"train": train, "valid": valid, "vocab": names}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return heads, tails


def _vocabulary(size: int) -> tuple[dict[str, int], int]:
    """Token -> id, and the id of the mask token, after which the relations stand."""
    mask = size - 5
    names = {f"e{i}": i for i in range(mask)}
    return names | {"<mask>": mask, "<r>": mask + 1, "<r_inv>": mask + 2, "<pad>": size - 2, "<PRED>": size - 1}, mask
