"""FLOPs of a batch of text pairs in each layout: ``python -m benchmarks.text``.

Counted, not timed: forward and backward of a Llama of 1 B parameters on the meta device, where tensors have shapes and
no numbers. What our layouts run is taken from the plans of a real objective over pairs of these lengths; the public
layout is every row padded to 512, three times a pair, or with additive masks twice; three passes are padded to the
batch's longest. Theirs take the logits of all tokens, three passes those of the whole pair's, ours those that have a
label. Writes results/text.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import jepa_core
from benchmarks.measuring import RESULTS, table
from benchmarks.projection import LLAMA, meta_model
from jepa_core.objective.arrangement import Arrangement, one_block_a_row, side_by_side
from jepa_core.objective.plan import Plan

#: Tokens of question, template included, and answer: the middle ones of what is drawn, lognormal with this spread.
LIKE = {"NL-RX": (65, 25), "Spider": (180, 35), "GSM8K": (120, 130)}
SPREAD, BATCH, K, PUBLIC = 0.35, 16, 1, 512
MODEL = "1 B"
#: Rows and their width, of each call.
Shapes = Sequence[tuple[int, int]]


def pairs(like: str) -> list[tuple[int, int]]:
    """Lengths of question and answer, of each pair of the batch."""
    draws = np.exp(np.random.default_rng(0).normal(0, SPREAD, (BATCH, 2)))
    return [(int(question), int(answer)) for question, answer in draws * np.array(LIKE[like])]


def planned(lengths: Sequence[tuple[int, int]]) -> Plan:
    """The plan of a real objective over pairs of so many bytes, each a token."""
    with TemporaryDirectory() as folder, patch.dict(os.environ, JEPA_CACHE=folder):
        file = Path(folder, "pairs.jsonl")
        rows = [{"prompt": "a" * (question - 1), "completion": "b" * (answer - 1)} for question, answer in lengths]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = f"data={{name: messages, train: {file}, template: plain, tokenizer: {{train: bytes}}}}"
        tiny = "{model_type: gpt2, n_layer: 1, n_embd: 32, n_head: 2, n_positions: 2048}"
        overrides = [data, f"model.config={tiny}", f"objective.k={K}", "objective.positions=restart"]
        recipe = jepa_core.load_recipe("regex_jepa", [*overrides, "evaluation.also=[]"])
        run = jepa_core.build(recipe)
        return run.objective.plan(run.train_dataset.__getitems__(range(len(lengths))))


def shapes(arrangement: Arrangement) -> Shapes:
    return [(call.ids.shape[0], call.ids.shape[1]) for call in arrangement.calls]


def operations(calls: Shapes, logits: int) -> int:
    """From one and two layers, since those between are all alike."""
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


def ways(like: str) -> dict[str, tuple[Shapes, int]]:
    """Way -> its calls, and the tokens whose logits it takes."""
    lengths, plan = pairs(like), planned(pairs(like))
    whole, asked, answered = (max(each) for each in zip(*((q + a, q + K, a) for q, a in lengths), strict=True))
    passes = [(BATCH, whole), (BATCH, asked), (BATCH, answered)]
    return {
        "ours, one row a pair": (shapes(side_by_side(plan.blocks)), plan.labels),
        "ours, a row a block": (shapes(one_block_a_row(plan.blocks, float("inf"))), plan.labels),
        "ours, rows of like length": (shapes(one_block_a_row(plan.blocks, 0.0)), plan.labels),
        "three passes": (passes, BATCH * whole),
        "public, additive masks": ([(2 * BATCH, PUBLIC)], 2 * BATCH * PUBLIC),
        "public": ([(3 * BATCH, PUBLIC)], 3 * BATCH * PUBLIC),
    }


def main() -> None:
    lines = []
    for like in LIKE:
        found = {name: (operations(*way), way) for name, way in ways(like).items()}
        least = found["ours, one row a pair"][0]
        for name, (flops, (calls, logits)) in found.items():
            tokens = sum(rows * width for rows, width in calls)
            line = {"lengths like": like, "layout": name, "calls": len(calls), "tokens, padded": tokens}
            lines.append(line | {"logits": logits, "TFLOPs": f"{flops / 1e12:.2f}", "times": f"{flops / least:.2f}"})
    text = (__doc__ or "").partition("\n\n")[2].replace(" Writes results/text.md.", "")
    head = f"# FLOPs of {BATCH} text pairs, forward and backward\n\n{text}\nk = {K}; lengths are drawn around "
    middle = ", ".join(f"{like} {question} + {answer}" for like, (question, answer) in LIKE.items())
    (RESULTS / "text.md").write_text(f"{head}{middle}.\n\n{table(lines)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
