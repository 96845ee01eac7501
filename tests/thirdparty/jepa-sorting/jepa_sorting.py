"""A task of its own: numbers, and the same numbers in order; with its views, predictor, regularizer and evaluation."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from jepa_core import (
    IGNORE,
    PAD,
    Batch,
    BuildContext,
    DatasetContext,
    Draws,
    EvaluationContext,
    NewBlock,
    Part,
    Samples,
    SampleSet,
    TaskData,
    TokenNames,
    Views,
    hookimpl,
)

GIVEN, ORDERED = 1, 2


class Sequences:
    """Ragged rows: some numbers, an arrow, and the numbers in order."""

    def __init__(self, rows: Sequence[Sequence[int]], arrow: int, pad: int, group: int, first: int):
        self.rows = [[*row, arrow, *sorted(row)] for row in rows]
        self.tags = [[GIVEN] * (len(row) + 1) + [ORDERED] * len(row) for row in rows]
        self.pad, self.group, self.first = pad, group, first
        self.group_sizes = {("train", "held out")[group]: len(rows)} if rows else {}
        self.max_length = max(map(len, self.rows), default=0)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> Batch:
        return {key: value[0] for key, value in self.__getitems__([item]).items()}

    def __getitems__(self, items: Sequence[int]) -> Batch:
        width = max((len(self.rows[i]) for i in items), default=0)
        ids = torch.tensor([self.rows[i] + [self.pad] * (width - len(self.rows[i])) for i in items]).reshape(-1, width)
        tags = torch.tensor([self.tags[i] + [PAD] * (width - len(self.tags[i])) for i in items]).reshape(-1, width)
        index = torch.tensor(list(items), dtype=torch.int64)
        return {
            "input_ids": ids,
            "labels": ids.where(tags == ORDERED, IGNORE),
            "tags": tags,
            "group": torch.full_like(index, self.group),
            "index": index + self.first,
        }

    def first_rows(self, group: str, count: int) -> Tensor:
        return torch.arange(min(count, len(self))) if group in self.group_sizes else torch.arange(0)


def sorting(context: DatasetContext, numbers: int = 20, longest: int = 4, samples: int = 200) -> TaskData:
    """Numbers, and the same numbers in order.

    numbers: how many there are; longest: at most so many in a sequence; samples: of the training set.
    """
    rng = random.Random(context.seed)
    drawn = {tuple(rng.sample(range(numbers), rng.randint(2, longest))) for _ in range(2 * samples)}
    rows = sorted(drawn)
    rng.shuffle(rows)
    train, held_out = rows[:samples], rows[samples : samples + samples // 4]
    tokens = {str(i): i for i in range(numbers)} | {"->": numbers, "<pad>": numbers + 1}
    names = TokenNames(token_to_id=tokens, pad_id=numbers + 1).with_predictors(context.k, context.distinct_pred)
    return TaskData(
        Sequences(train, numbers, numbers + 1, 0, 0),
        {"unseen": Sequences(held_out, numbers, numbers + 1, 1, len(train))},
        names,
        tags=("given", "ordered"),
        groups=("train", "held out"),
        captions={"unseen": "sequences of numbers that training never sorted"},
    )


def given_to_ordered(samples: Samples) -> Views:
    """Pairs the numbers as they are given with the numbers in order, which stand in a block of their own."""
    given = samples.tags == GIVEN
    return Views(((Part(given, branch=True), NewBlock(samples.where(samples.tags == ORDERED))),))


class Shift(nn.Module):
    """Adds a vector that is learned."""

    def __init__(self, width: int):
        super().__init__()
        self.by = nn.Parameter(torch.zeros(width))

    def forward(self, state: Tensor, condition: Tensor | None) -> Tensor:
        return state + self.by.to(state.dtype)


def shift(context: BuildContext) -> Shift:
    """Adds a vector that is learned."""
    return Shift(context.width)


class Spread:
    """One over the mean variance of the embeddings' components."""

    weight = 0.01

    def __call__(self, embeddings: Tensor, draws: Draws) -> Tensor:
        return (
            1 / (embeddings.float().var(dim=0, unbiased=False).mean() + 1e-2) if len(embeddings) else embeddings.sum()
        )


class Sorted:
    """The share of sequences that come out in order, teacher-forced."""

    def __init__(self, context: EvaluationContext):
        self.objective = context.objective

    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, float]:
        right = 0
        for start in range(0, len(samples), batch_size):
            batch = samples.__getitems__(range(start, min(start + batch_size, len(samples))))
            with torch.no_grad():
                logits = self.objective.model(batch["input_ids"]).logits[:, :-1]
            wanted = batch["labels"][:, 1:]
            right += int(((logits.argmax(dim=-1) == wanted) | (wanted == IGNORE)).all(dim=1).sum())
        return {"sorted_share": right / len(samples)}


def sorted_share(context: EvaluationContext) -> Sorted:
    """The share of sequences that come out in order."""
    return Sorted(context)


@hookimpl
def jepa_datasets():
    return {"sorting": sorting}


@hookimpl
def jepa_reversal_strategies():
    return {"given_to_ordered": lambda: given_to_ordered}


@hookimpl
def jepa_predictors():
    return {"shift": shift}


@hookimpl
def jepa_regularizers():
    return {"spread": Spread}


@hookimpl
def jepa_evaluations():
    return {"sorted": sorted_share}
