"""Models and data for the benchmarks, as overrides of a recipe and files of a task."""

from __future__ import annotations

import json
import random
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.yardsticks import Ragged, Rows, of_facts

#: Six pairs of relations among 80,000 entities with names of two tokens; vocabulary 16,015, 77 % pay the JEPA loss.
PAPER = (
    "data.entities_both_ways=50000",
    "data.entities_one_way=30000",
    "data.relation_pairs=6",
    "data.name_multiplicity=10",
)
SHARE = 0.77
#: The recipe of prompts and answers.
TEXT = "regex_jepa"


@dataclass(frozen=True)
class Size:
    """A GPT-2's layers, width and heads."""

    layers: int
    width: int
    heads: int

    def overrides(self, positions: int = 64) -> list[str]:
        """The overrides of the model's sizes, without dropout and with the activation of all arms."""
        sizes = {"n_layer": self.layers, "n_embd": self.width, "n_head": self.heads, "n_positions": positions}
        return [*(f"model.config.{key}={value}" for key, value in sizes.items()), ours.ACTIVATION]


FULL, SMALL = Size(4, 768, 12), Size(2, 128, 4)


@dataclass(frozen=True)
class Spans:
    """The numbers of tokens in the two spans of every training sample, by its index."""

    heads: Tensor
    tails: Tensor

    def rows(self, batch: ours.Batch) -> Rows:
        """The batch in the form that yardsticks take."""
        which = batch["index"]
        return of_facts(batch["input_ids"], batch["labels"], self.heads[which], self.tails[which], ours.eligible(batch))


def two_tokens(batch: ours.Batch) -> Rows:
    """The batch of a task in which all names have two tokens."""
    two = torch.full((len(batch["input_ids"]),), 2)
    return of_facts(batch["input_ids"], batch["labels"], two, two, ours.eligible(batch))


def random_spans(shortest: int, longest: int, count: int) -> Spans:
    """Draws both spans of each sample with `shortest` to `longest` tokens."""
    generator = torch.Generator().manual_seed(0)
    heads, tails = torch.randint(shortest, longest + 1, (2, count), generator=generator)
    return Spans(heads, tails)


def prompts_and_answers(shortest: int, longest: int, count: int) -> Spans:
    """Draws rows of `shortest` to `longest` tokens, a third of them in the second span."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(shortest, longest + 1, (count,), generator=generator) - 2
    return Spans(lengths - lengths // 3, lengths // 3)


def conversations(batch: ours.Batch) -> Rows:
    """The batch of prompts and answers: the source is the conversation up to the answer, the target the answer."""

    def rows(prefix: str) -> Ragged:
        return Ragged(batch[f"{prefix}ids"], (batch[f"{prefix}tags"] != 0).sum(dim=1))

    samples = Ragged(batch["input_ids"], (batch["tags"] != 0).sum(dim=1))
    everyone = torch.ones(len(samples.lengths), dtype=torch.bool)
    return Rows(samples, batch["labels"], everyone, rows("prefix_"), rows("answer_"))


def text(folder: Path, words: int, count: int, different: int) -> list[str]:
    """Overrides that give the recipe :data:`TEXT` random pairs, see :func:`write_pairs`."""
    path = folder / "pairs.jsonl"
    write_pairs(path, words, count, different)
    data = [f"data.train={path}", f"data.evaluation.test={path}", f"data.tokenizer.size={different}"]
    return [*data, "evaluation.also=[]"]


def write_pairs(path: Path, words: int, count: int, different: int) -> None:
    """Conversations of half to all of so many random words, of which there are so many different ones; the answer is
    a third of each."""
    drawn = random.Random(0)
    vocabulary = ["".join(drawn.choices(string.ascii_lowercase, k=4)) for _ in range(different)]

    def turn(role: str, length: int) -> dict[str, str]:
        return {"role": role, "content": " ".join(drawn.choices(vocabulary, k=length))}

    def line() -> str:
        length = drawn.randint(words // 2, words)
        turns = [turn("user", length - length // 3), turn("assistant", length // 3)]
        return json.dumps({"messages": turns})

    path.write_text("".join(f"{line()}\n" for _ in range(count)), encoding="utf-8")


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
