"""Five tokenised conversations, and what a component is told of their task."""

from __future__ import annotations

import torch

from jepa_core import BuildContext, Samples, TokenNames

TAGS = ("system", "user", "assistant", "template", "end")
#: One a conversation: bos, system, user, template, answer, end; without bos or system; one token each; two turns; a long
#: answer.
ROWS = [
    [(1, 4), (30, 1), (40, 2), (41, 2), (42, 2), (2, 4), (50, 3), (51, 3), (3, 5)],
    [(43, 2), (44, 2), (2, 4), (52, 3), (3, 5)],
    [(45, 2), (2, 4), (53, 3), (3, 5)],
    [(1, 4), (46, 2), (2, 4), (54, 3), (3, 5), (47, 2), (2, 4), (55, 3), (3, 5)],
    [(1, 4), (48, 2), (2, 4), (56, 3), (57, 3), (58, 3), (59, 3), (3, 5)],
]


def samples() -> Samples:
    width = max(map(len, ROWS))
    table = torch.tensor([row + [(0, 0)] * (width - len(row)) for row in ROWS])
    return Samples(table[..., 0].contiguous(), table[..., 1].contiguous())


def context(**tokens: int) -> BuildContext:
    """tokens: names and ids beside ``<pad>``."""
    names = TokenNames(token_to_id={"<pad>": 0, "a": 60, **tokens}, pad_id=0)
    return BuildContext(vocabulary=names, width=8, num_layers=2, tags=TAGS)


def real(some: Samples) -> list[list[int]]:
    """The tokens of each row, padding left out."""
    return [row[valid].tolist() for row, valid in zip(some.ids, some.valid, strict=True)]
