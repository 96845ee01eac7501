"""Models and data for the benchmarks, as overrides of a recipe and files of a task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.yardsticks import Rows

#: Six pairs of relations among 80,000 entities with names of two tokens; vocabulary 16,015, 77 % pay the JEPA loss.
PAPER = (
    "data.entities_both_ways=50000",
    "data.entities_one_way=30000",
    "data.relation_pairs=6",
    "data.name_multiplicity=10",
)
SHARE = 0.77


@dataclass(frozen=True)
class Size:
    """A GPT-2's layers, width and heads."""

    layers: int
    width: int
    heads: int

    def overrides(self, positions: int = 64) -> list[str]:
        """Without dropout, and with the activation that every arm has."""
        sizes = {"n_layer": self.layers, "n_embd": self.width, "n_head": self.heads, "n_positions": positions}
        return [*(f"model.config.{key}={value}" for key, value in sizes.items()), ours.ACTIVATION]


FULL, SMALL = Size(4, 768, 12), Size(2, 128, 4)


@dataclass(frozen=True)
class Spans:
    """Of every training sample, by its index: how many tokens its two spans have."""

    heads: Tensor
    tails: Tensor

    def rows(self, batch: ours.Batch) -> Rows:
        """The batch as the yardsticks want it."""
        which = batch["index"]
        return Rows(batch["input_ids"], batch["labels"], self.heads[which], self.tails[which], ours.eligible(batch))


def two_tokens(batch: ours.Batch) -> Rows:
    """The batch of a task in which all names have two tokens."""
    two = torch.full((len(batch["input_ids"]),), 2)
    return Rows(batch["input_ids"], batch["labels"], two, two, ours.eligible(batch))


def random_spans(shortest: int, longest: int, count: int) -> Spans:
    """Both spans of `shortest` to `longest` tokens."""
    generator = torch.Generator().manual_seed(0)
    heads, tails = torch.randint(shortest, longest + 1, (2, count), generator=generator)
    return Spans(heads, tails)


def prompts_and_answers(shortest: int, longest: int, count: int) -> Spans:
    """Rows of `shortest` to `longest` tokens, of which the second span is a third."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(shortest, longest + 1, (count,), generator=generator) - 2
    return Spans(lengths - lengths // 3, lengths // 3)


def write_task(folder: Path, spans: Spans, vocabulary: int, share: float = SHARE) -> None:
    """A task of random tokens in the files that ``data.path`` reads; `share` of its samples pay the JEPA loss."""
    generator = torch.Generator().manual_seed(0)
    names, mask, relations = _vocabulary(vocabulary)

    def fact(head: int, tail: int, kind: str) -> dict[str, Any]:
        first, second = (torch.randint(mask, (n,), generator=generator).tolist() for n in (head, tail))
        relation = mask + 1 + int(torch.randint(relations, (), generator=generator))
        return {"input_text": [first, [relation], [mask]], "target_text": [second], "type": kind}

    pairs = list(zip(spans.heads.tolist(), spans.tails.tolist(), strict=True))
    kinds = ["train" if draw < share else "atomic" for draw in torch.rand(len(pairs), generator=generator).tolist()]
    train = [fact(head, tail, kind) for (head, tail), kind in zip(pairs, kinds, strict=True)]
    valid = {kind: [fact(*pairs[0], kind)] for kind in ("train", "atomic", "test")}
    for name, content in {"train": train, "valid": valid, "vocab": names}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _vocabulary(size: int) -> tuple[dict[str, int], int, int]:
    """Token -> id, the id of the mask token, and how many relations follow it; padding and <PRED> come last."""
    relations = 12
    mask = size - relations - 3
    names = {f"e{i}": i for i in range(mask)} | {"<mask>": mask, "<pad>": size - 2, "<PRED>": size - 1}
    names |= {f"<r_{i // 2}{'_inv' * (i % 2)}>": mask + 1 + i for i in range(relations)}
    return names, mask, relations
