"""Facts: rows of tokens with a role each.

Axes, here and everywhere: ``b`` batch, ``s`` tokens of a sample, ``d`` width of the model, ``n`` counted
pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

#: Where a label would be, and none is.
IGNORE = -100


class Role:
    """What a token is in its fact ``[head, relation, mask, tail]``.

    Plain numbers: under torch.compile, ``tensor == member`` of an Enum is False for every token, in silence.
    """

    PAD = 0
    HEAD = 1
    RELATION = 2
    MASK = 3
    TAIL = 4
    PRED = 5


class SampleType(IntEnum):
    """`TRAIN`: both directions are in the data; `ATOMIC`: one only; `TEST`: the direction held out."""

    TRAIN = 0
    ATOMIC = 1
    TEST = 2


@dataclass(frozen=True)
class Facts:
    """Right-padded token rows.

    ids: ``b s`` int64 token ids; roles: ``b s`` :class:`Role` values, `PAD` after the last real token.
    """

    ids: Tensor
    roles: Tensor

    def __post_init__(self) -> None:
        if self.ids.shape != self.roles.shape or self.ids.dim() != 2:
            raise ValueError(
                f"ids and roles are both (b, s), not {tuple(self.ids.shape)} and {tuple(self.roles.shape)}"
            )

    @property
    def valid(self) -> Tensor:
        """``b s`` bool: real tokens."""
        return self.roles != Role.PAD

    def __len__(self) -> int:
        return self.ids.shape[0]

    def __getitem__(self, rows: Tensor) -> Facts:
        """The facts of these rows (an index or a bool mask over ``b``)."""
        return Facts(self.ids[rows], self.roles[rows])

    def where(self, chosen: Tensor) -> Facts:
        """Of each fact the tokens that are chosen, ``b s`` bool, moved to the front."""
        chosen = chosen & self.valid
        order = (~chosen).long().argsort(dim=1, stable=True)[:, : int(chosen.sum(dim=1).max()) if len(self) else 0]
        return Facts(self.ids.gather(1, order), self.roles.where(chosen, Role.PAD).gather(1, order))

    @classmethod
    def from_spans(cls, spans: Sequence[Sequence[Sequence[int]]], pad_id: int) -> Facts:
        """From ``[head ids, relation ids, mask ids, tail ids]`` a fact, of any lengths."""
        order = (Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL)
        rows = [[(i, role) for role, span in zip(order, fact, strict=True) for i in span] for fact in spans]
        width = max(map(len, rows), default=0)
        padded = [row + [(pad_id, Role.PAD)] * (width - len(row)) for row in rows]
        table = torch.tensor(padded, dtype=torch.int64).reshape(len(rows), width, 2)
        return cls(table[..., 0].contiguous(), table[..., 1].contiguous())
