"""Optimizer steps on long rows: two spans of random tokens, as a prompt and its answer, of up to 1,024 tokens."""

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
from benchmarks.tasks import Size, prompts_and_answers, write_task

SAMPLES = 256


def run(result: Result, sizes: Sizes) -> None:
    with TemporaryDirectory() as folder:
        spans = prompts_and_answers(sizes.text_tokens // 2, sizes.text_tokens, SAMPLES)
        write_task(Path(folder), spans, sizes.text_vocabulary, share=1.0)
        model = Size(sizes.text_layers, sizes.text_width, sizes.text_heads)
        overrides = [f"data.path={folder}", *model.overrides(2 * sizes.text_tokens + 8)]
        loader = ours.build("cosine_k1", overrides)
        arms = make_arms(result, overrides, spans.rows)
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
