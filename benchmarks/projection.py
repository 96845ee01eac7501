"""Projected costs of a run of 1 B and of 8 B parameters on 1, 8 and 64 GPUs: ``python -m benchmarks.projection``.

Nothing here was run. FLOPs are counted: one sample forward and backward through the model on the meta device, where
tensors have shapes and no numbers. Memory and traffic are sums over what has to be held and sent. How fast a GPU and
its links are, and which share of that is reached, are the options below; a measurement replaces them. Writes
results/projection.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.measuring import RESULTS, table

LLAMA: dict[str, dict[str, Any]] = {
    "1 B": {"hidden_size": 2048, "num_hidden_layers": 16, "intermediate_size": 8192, "tie_word_embeddings": True},
    "8 B": {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14_336, "tie_word_embeddings": False},
}
SHARED = {"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128_256, "max_position_embeddings": 8192}
GPUS = (1, 8, 64)


@dataclass(frozen=True)
class Assumptions:
    """The assumptions, each an option of the command."""

    rate: float = field(default=989e12, metadata={"says": "bf16 operations a second of a GPU (an H100's data sheet)"})
    share: float = field(default=0.4, metadata={"says": "share of them that a step reaches"})
    memory: float = field(default=80e9, metadata={"says": "bytes of a GPU's memory"})
    link: float = field(default=300e9, metadata={"says": "bytes a second between GPUs of a machine, reached"})
    network: float = field(default=35e9, metadata={"says": "bytes a second between machines, a GPU, reached"})
    machine: int = field(default=8, metadata={"says": "GPUs of a machine"})
    batch: int = field(default=256, metadata={"says": "pairs of an optimizer step, on all GPUs together"})
    micro: int = field(default=4, metadata={"says": "pairs at once on a GPU"})
    prompt: int = field(default=700, metadata={"says": "tokens of a pair up to the answer"})
    answer: int = field(default=324, metadata={"says": "tokens of the answer"})
    k: int = field(default=1, metadata={"says": "predictor tokens"})
    pairs: int = field(default=1_000_000, metadata={"says": "pairs that a run sees"})
    price: float = field(default=2.5, metadata={"says": "dollars of a GPU-hour"})

    @property
    def tokens(self) -> int:
        return self.prompt + self.answer


@dataclass(frozen=True)
class Way:
    """rows: lengths of the rows that a pair becomes; logits: positions at which the head runs."""

    rows: Callable[[Assumptions], list[int]]
    logits: Callable[[Assumptions], int]


WAYS = {
    "next-token prediction alone": Way(lambda a: [a.tokens], lambda a: a.answer),
    "ours": Way(lambda a: [a.tokens + a.k, a.answer], lambda a: a.answer),
    "public layout": Way(lambda a: [a.tokens] * 3, lambda a: 3 * a.tokens),
}


def meta_model(name: str, layers: int) -> Any:
    """Makes the model with `layers` layers on the meta device; operations are linear in them."""
    config = AutoConfig.for_model("llama", **SHARED, **{**LLAMA[name], "num_hidden_layers": layers})
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=torch.bfloat16).train()


def parameters(name: str) -> int:
    return sum(p.numel() for p in meta_model(name, LLAMA[name]["num_hidden_layers"]).parameters())


def operations(name: str, way: Way, assumed: Assumptions) -> int:
    """Counts the operations of one pair, forward and backward, from one and two layers, since all others are alike."""
    one, two = (_counted(meta_model(name, layers), way, assumed) for layers in (1, 2))
    return one + (LLAMA[name]["num_hidden_layers"] - 1) * (two - one)


def _counted(model: Any, way: Way, assumed: Assumptions) -> int:
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        states = []
        for length in way.rows(assumed):
            ids = torch.zeros(1, length, dtype=torch.int64, device="meta")
            mask = torch.ones(1, 1, length, length, dtype=torch.bool, device="meta")  # transformers would read values
            out = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
            states.append(out.last_hidden_state[0])
        hidden = torch.cat(states)
        loss = model.lm_head(hidden[: way.logits(assumed)]).sum() + hidden.sum()
        loss.backward()
    return counter.get_total_flops()


def held(name: str, count: int, gpus: int, way: Way, assumed: Assumptions) -> float:
    """Bytes on each GPU: fp32 weights, gradients and two Adam states sharded, with the layers' inputs kept and the rest
    made again (activation checkpointing), one layer gathered in bf16, and the logits in fp32 with their gradient."""
    width, layers = LLAMA[name]["hidden_size"], LLAMA[name]["num_hidden_layers"]
    tokens = sum(way.rows(assumed)) * min(assumed.micro, max(1, assumed.batch // gpus))
    logits = way.logits(assumed) * min(assumed.micro, max(1, assumed.batch // gpus)) * SHARED["vocab_size"]
    kept = tokens * width * 2 * layers + tokens * (34 * width + 6 * LLAMA[name]["intermediate_size"])
    return 16 * count / gpus + 2 * 2 * count / layers + kept + 2 * 4 * logits


def seconds(count: int, flop: int, gpus: int, assumed: Assumptions) -> tuple[float, float]:
    """(computing, sending) of an optimizer step. Checkpointing makes the forward pass once more; weights are gathered
    twice in bf16 and gradients scattered once in fp32, for every micro-batch."""
    computing = assumed.batch * flop * 4 / 3 / (gpus * assumed.rate * assumed.share)
    if gpus == 1:
        return computing, 0.0
    own = max(1, assumed.batch // gpus)
    micro_batches = max(1, own // min(assumed.micro, own))
    speed = assumed.link if gpus <= assumed.machine else assumed.network
    return computing, micro_batches * (2 * 2 + 4) * count * (gpus - 1) / gpus / speed


def sheet(assumed: Assumptions) -> list[dict[str, Any]]:
    rows = []
    for name in LLAMA:
        count = parameters(name)
        for way_name, way in WAYS.items():
            flop = operations(name, way, assumed)
            rows += [_row(name, count, way_name, way, flop, gpus, assumed) for gpus in GPUS]
    return rows


def _row(name: str, count: int, way_name: str, way: Way, flop: int, gpus: int, assumed: Assumptions) -> dict[str, Any]:
    memory = held(name, count, gpus, way, assumed)
    computing, sending = seconds(count, flop, gpus, assumed)
    step = max(computing, sending)
    hours = step * assumed.pairs / assumed.batch / 3600
    fits = memory <= assumed.memory
    return {
        "model": name,
        "way": way_name,
        "TFLOP a pair": round(flop / 1e12, 2),
        "GPUs": gpus,
        "GB a GPU": round(memory / 1e9),
        "fits": "yes" if fits else "no",
        "s a step": f"{step:.2f}",
        "bound by": "links" if sending > computing else "computing",
        "hours": f"{hours:.1f}" if fits else "–",
        "dollars": f"{hours * gpus * assumed.price:,.0f}" if fits else "–",
    }


def page(assumed: Assumptions) -> str:
    given = [
        {"assumed": f.metadata["says"], "value": f"{getattr(assumed, f.name):,g}" if f.name != "rate" else "9.89e14"}
        for f in fields(assumed)
    ]
    counts = ", ".join(f"{name} is {parameters(name) / 1e9:.2f} billion" for name in LLAMA)
    return (
        f"Projected {date.today()}, not run: shapes of Llama 3 ({counts}), bf16 with fp32 masters, AdamW, weights, "
        "gradients and states sharded over all GPUs, activation checkpointing; sending is hidden behind computing, "
        f"so a step takes the longer of both.\n\n{table(sheet(assumed))}\n\n{table(given)}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for f in fields(Assumptions):
        parser.add_argument(f"--{f.name}", type=type(f.default), default=f.default, help=f.metadata["says"])
    text = page(Assumptions(**vars(parser.parse_args())))
    (RESULTS / "projection.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
