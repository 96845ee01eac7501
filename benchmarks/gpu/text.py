"""Optimizer steps on text: random prompts and answers of up to 1,024 tokens together, through the text recipe."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import ours
from benchmarks.gpu.arms import agree, make_arms, time_arms
from benchmarks.gpu.rates import matrix_rate
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import PRECISIONS
from benchmarks.tasks import TEXT, Size, conversations, text

SAMPLES = 256
#: Tokens that the trained tokenizer makes of a word here.
TOKENS_A_WORD = 1.22


def run(result: Result, sizes: Sizes) -> None:
    with TemporaryDirectory() as folder:
        model = Size(sizes.text_layers, sizes.text_width, sizes.text_heads)
        data = text(Path(folder), int(sizes.text_tokens / TOKENS_A_WORD), SAMPLES, sizes.text_vocabulary)
        overrides = [*data, *model.overrides(6 * sizes.text_tokens)]
        loader = ours.build(TEXT, overrides)
        arms = make_arms(result, TEXT, overrides, conversations)
        agree(result, arms, ours.batch(loader, 2))
        for kind in PRECISIONS:
            rate = matrix_rate(kind, sizes.product, sizes.round_seconds)
            took = 0.0  # a sample, with all arms
            for size in sizes.text_batches:
                if result.left() < 1.3 * took * size:
                    result.note(f"Left out for want of time: {kind} at batch {size}.")
                    continue
                began = time.time()
                batch = ours.batch(loader, size)
                time_arms(result, arms, batch, kind, rate, sizes)
                lengths = conversations(batch).samples.lengths
                result.row("Batches", precision=kind, batch=size, longest=int(lengths.max()), tokens=int(lengths.sum()))
                took = (time.time() - began) / size
