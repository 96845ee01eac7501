"""Text pairs in each layout, counted and timed: ``python -m benchmarks.text``.

*Counted*: FLOPs of forward and backward of a Llama of 1 B parameters on the meta device, where tensors have shapes and
no numbers. What our layouts run is taken from the plans of a real objective over pairs of these lengths; the public
layout is every row padded to 512, three times a pair, or with additive masks twice; three passes are padded to the
batch's longest. Theirs take the logits of all tokens, three passes those of the whole pair's, ours those that have a
label. Batches are as training draws them, and all ways get the same ones. *Timed*: forward, loss and backward of the
same ways on one core, by a Llama of 4 layers × 256 with a vocabulary of bytes, where logits cost next to nothing;
processor seconds, the median of rounds in which all take turns. Writes results/text.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import jepa_core
from benchmarks.measuring import RESULTS, medians, table
from benchmarks.projection import LLAMA, meta_model
from benchmarks.text_times import timed
from jepa_core.assembly.build import Run
from jepa_core.objective.arrangement import Arrangement, one_block_a_row, side_by_side
from jepa_core.objective.plan import Plan
from jepa_core.training.sampler import epoch_sampler

#: Tokens of question, template included, and answer: the middle ones of what is drawn, lognormal with this spread.
LIKE = {"NL-RX": (65, 25), "Spider": (180, 35), "GSM8K": (120, 130)}
SPREAD, BATCH, K, PUBLIC = 0.35, 16, 1, 512
#: Batches of an epoch, and how many of them are counted; pairs of a timed batch, and rounds.
EPOCH, COUNTED, TIMED, ROUNDS = 50, 3, 4, 5
MODEL = "1 B"
TINY = {
    **{"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 64},
    **{"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 2048},
}
SMALL = {
    **{"model_type": "llama", "num_hidden_layers": 4, "hidden_size": 256, "intermediate_size": 1024},
    **{"num_attention_heads": 8, "num_key_value_heads": 2, "max_position_embeddings": 2048},
}
#: Rows and their width, of each call.
Shapes = tuple[tuple[int, int], ...]


def pairs(like: str, count: int = EPOCH * BATCH) -> list[tuple[int, int]]:
    """Lengths of question and answer."""
    draws = np.exp(np.random.default_rng(0).normal(0, SPREAD, (count, 2)))
    return [(int(question), int(answer)) for question, answer in draws * np.array(LIKE[like])]


@contextmanager
def built(lengths: Sequence[tuple[int, int]], config: dict[str, object]) -> Iterator[Run]:
    """A real run over pairs of so many bytes, each a token."""
    with TemporaryDirectory() as folder, patch.dict(os.environ, JEPA_CACHE=folder):
        file = Path(folder, "pairs.jsonl")
        rows = [{"prompt": "a" * (question - 1), "completion": "b" * (answer - 1)} for question, answer in lengths]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = f"data={{name: messages, train: {file}, template: plain, tokenizer: {{train: bytes}}}}"
        overrides = [data, f"model.config={json.dumps(config)}", f"objective.k={K}", "objective.positions=restart"]
        recipe = jepa_core.load_recipe("regex_jepa", [*overrides, "evaluation.also=[]"])
        yield jepa_core.build(recipe, device="cpu")


def batches(run: Run, size: int, count: int) -> list[list[int]]:
    """Rows of some batches of an epoch, as training reads them: from those of the shortest to those of the longest."""
    order = list(epoch_sampler(run.train_dataset, 0, size))
    found = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    lengths = run.train_dataset.lengths  # type: ignore[attr-defined]
    found.sort(key=lambda rows: int(sum(lengths[row] for row in rows)))
    return [found[(2 * i + 1) * len(found) // (2 * count)] for i in range(count)]


def shapes(arrangement: Arrangement) -> Shapes:
    return tuple((call.ids.shape[0], call.ids.shape[1]) for call in arrangement.calls)


@lru_cache
def operations(calls: Shapes, logits: int) -> int:
    """Counts operations from one and two layers, since all others are alike."""
    one, two = (_counted(calls, logits, layers) for layers in (1, 2))
    return one + (LLAMA[MODEL]["num_hidden_layers"] - 1) * (two - one)


def _counted(calls: Shapes, logits: int, layers: int) -> int:
    model = meta_model(MODEL, layers)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        states = []
        for rows, width in calls:
            ids = torch.zeros(rows, width, dtype=torch.int64, device="meta")
            mask = torch.ones(rows, 1, width, width, dtype=torch.bool, device="meta")
            out = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
            states.append(out.last_hidden_state.flatten(0, 1))
        hidden = torch.cat(states)
        (model.lm_head(hidden[:logits]).sum() + hidden.sum()).backward()
    return counter.get_total_flops()


def ways(lengths: Sequence[tuple[int, int]], plan: Plan) -> dict[str, tuple[Shapes, int]]:
    """Way -> its calls, and the tokens whose logits it takes."""
    size = len(lengths)
    whole, asked, answered = (max(each) for each in zip(*((q + a, q + K, a) for q, a in lengths), strict=True))
    passes = ((size, whole), (size, asked), (size, answered))
    return {
        "ours, one row a pair": (shapes(side_by_side(plan.blocks)), plan.labels),
        "ours, a row a block": (shapes(one_block_a_row(plan.blocks, float("inf"))), plan.labels),
        "ours, rows of like length": (shapes(one_block_a_row(plan.blocks, 0.0)), plan.labels),
        "three passes": (passes, size * whole),
        "public, additive masks": (((2 * size, PUBLIC),), 2 * size * PUBLIC),
        "public": (((3 * size, PUBLIC),), 3 * size * PUBLIC),
    }


def counted(like: str) -> Iterator[dict[str, object]]:
    """A line a way; the mean of a batch."""
    lengths = pairs(like)
    with built(lengths, TINY) as run:
        chosen = batches(run, BATCH, COUNTED)
        plans = [run.objective.plan(run.train_dataset.__getitems__(rows)) for rows in chosen]
    each = [ways([lengths[i] for i in rows], plan) for rows, plan in zip(chosen, plans, strict=True)]
    flops = {name: sum(operations(*found[name]) for found in each) / COUNTED for name in each[0]}
    for name, total in flops.items():
        tokens = sum(rows * width for found in each for rows, width in found[name][0]) // COUNTED
        line = {"lengths like": like, "layout": name, "calls": sum(len(found[name][0]) for found in each) // COUNTED}
        line |= {"tokens, padded": tokens, "logits": sum(found[name][1] for found in each) // COUNTED}
        yield line | {"TFLOPs": f"{total / 1e12:.2f}", "times": f"{total / flops['ours, a row a block']:.2f}"}


def clocked(like: str) -> Iterator[dict[str, object]]:
    """A line a way, for a batch of middling lengths."""
    with built(pairs(like, EPOCH * TIMED), SMALL) as run:
        [rows] = batches(run, TIMED, 1)
        found = medians(timed(run, run.train_dataset.__getitems__(rows), PUBLIC), ROUNDS)
    for name, seconds in found.items():
        yield {
            "lengths like": like,
            "way": name,
            "seconds": f"{seconds:.3f}",
            "times": f"{seconds / found['ours']:.2f}",
        }


def main() -> None:
    text = (__doc__ or "").partition("\n\n")[2].replace(" Writes results/text.md.", "")
    middle = ", ".join(f"{like} {question} + {answer}" for like, (question, answer) in LIKE.items())
    parts = [
        f"# {BATCH} text pairs, forward and backward\n\n{text}\nk = {K}; lengths are drawn around {middle}.",
        table([line for like in LIKE for line in counted(like)]),
        f"Timed: {TIMED} pairs, {ROUNDS} rounds.",
        table([line for like in LIKE for line in clocked(like)]),
    ]
    (RESULTS / "text.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
