"""The roles of tokens in a fact, and the groups of facts."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import torch

from jepa_core.samples.samples import PAD, PRED, Samples

#: The names of tags 1, 2, …
TAGS = ("head", "relation", "mask", "tail")


class Role:
    """The tag of a token in its fact ``[head, relation, mask, tail]``; padding and predictor tokens are the core's.

    Plain numbers: under torch.compile, ``tensor == member`` of an Enum is False for every token, in silence.
    """

    PAD = PAD
    HEAD = 1
    RELATION = 2
    MASK = 3
    TAIL = 4
    PRED = PRED


class SampleType(IntEnum):
    """The group of a fact. `TRAIN`: both directions are in the data; `ATOMIC`: one; `TEST`: the held-out direction;
    `REHEARSED`: not in the data, but an answer that a model was sure of; `ADDED`: made of training facts by a rule."""

    TRAIN = 0
    ATOMIC = 1
    TEST = 2
    REHEARSED = 3
    ADDED = 4


GROUPS = tuple(kind.name.lower() for kind in SampleType)


def from_spans(spans: Sequence[Sequence[Sequence[int]]], pad_id: int) -> Samples:
    """Makes facts of ``[head ids, relation ids, mask ids, tail ids]`` each, of any lengths.

    >>> from_spans([[[7, 8], [16], [15], [3]], [[9], [17], [15], [4]]], pad_id=0).ids.tolist()
    [[7, 8, 16, 15, 3], [9, 17, 15, 4, 0]]
    """
    order = (Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL)
    rows = [[(i, role) for role, span in zip(order, fact, strict=True) for i in span] for fact in spans]
    width = max(map(len, rows), default=0)
    padded = [row + [(pad_id, Role.PAD)] * (width - len(row)) for row in rows]
    table = torch.tensor(padded, dtype=torch.int64).reshape(len(rows), width, 2)
    return Samples(table[..., 0].contiguous(), table[..., 1].contiguous())
