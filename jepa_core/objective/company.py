"""Pairs of several processes, joined.

A loss that compares pairs with each other, like a regularizer, depends on all embeddings of a step. Each process gets
those of all others, with gradient, and pays for its own share.

Axes: ``n`` counted pairs, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, distributed

from jepa_core.distributed import host_group, of_all, rows_of_all
from jepa_core.objective.plan import PlannedPair, PlannedTerm, PlannedView

Embeddings = list[tuple[Tensor, Tensor]]
#: Fields of a pair of views that are sent to other processes, and the dtype they are sent as.
FIELDS = {"same": torch.int64, "candidate": torch.int64, "weight": torch.float32}
#: The same for several numbers a pair; where one process has more, the others repeat their last.
WIDE = ("right", "right_candidates")


@dataclass(frozen=True)
class Joined:
    """planned, embeddings: of all processes together; own: the rows that this process brought; None: all."""

    planned: PlannedTerm
    embeddings: Embeddings
    own: slice | None = None


class Company:
    """The processes that train together. width: of embeddings; before: called each time before they meet."""

    def __init__(self, width: int, device: torch.device, before: Callable[[], object] | None = None):
        self.group = host_group()
        self.width, self.device, self.before = width, device, before

    def join(self, planned: PlannedTerm, embeddings: Embeddings) -> Joined:
        """Joins the pairs of a term in all processes; every process has to call this, also one without pairs."""
        if self.before is not None:
            self.before()
        own = [planned.samples if planned.pairs else 0, len(planned.pairs), *_held(planned.pairs)]
        found = list(zip(*of_all(own, self.group), strict=True))
        counts, held = list(found[0]), [max(column) for column in found[2:]]
        if not planned.pairs:
            planned, embeddings = self._nothing(max(found[1]))
        pairs = tuple(_pair(pair, counts, held) for pair in planned.pairs)
        both = [(_rows(predicted, counts), _rows(target, counts)) for predicted, target in embeddings]
        start = sum(counts[: distributed.get_rank()])
        return Joined(replace(planned, pairs=pairs, samples=sum(counts)), both, slice(start, start + own[0]))

    def _nothing(self, many: int) -> tuple[PlannedTerm, Embeddings]:
        """A plan of so many pairs of views of no sample, whose embeddings take a gradient."""
        rows = torch.zeros(0, dtype=torch.int64, device=self.device)
        view = PlannedView(0, rows, rows[:, None].bool())
        empty = [torch.zeros(0, self.width, device=self.device, requires_grad=True) for _ in range(2 * many)]
        return PlannedTerm((PlannedPair(view, view),) * many, 0), list(zip(empty[::2], empty[1::2], strict=True))


def _held(pairs: tuple[PlannedPair, ...]) -> list[int]:
    """Tells for each of FIELDS whether any pair has it, and for each of WIDE how wide it is, 0 where none has it."""
    wide = [[getattr(pair, name) for pair in pairs if getattr(pair, name) is not None] for name in WIDE]
    narrow = [any(getattr(pair, name) is not None for pair in pairs) for name in FIELDS]
    return [*narrow, *(max((each.shape[1] for each in found), default=0) for found in wide)]


def _pair(pair: PlannedPair, counts: list[int], held: list[int]) -> PlannedPair:
    """Replaces a pair's fields by those of all processes."""
    found: dict[str, Any] = {}
    rows = pair.source.rows
    for (name, dtype), somewhere in zip(FIELDS.items(), held, strict=False):
        if somewhere:
            own = getattr(pair, name)
            own = torch.ones(len(rows)) if own is None else own
            found[name] = rows_of_all(own.to(rows.device, dtype), counts)
    for name, width in zip(WIDE, held[len(FIELDS) :], strict=True):
        if width:
            own = getattr(pair, name)
            own = rows.new_zeros(len(rows), width) if own is None else own
            more = own[:, -1:].expand(-1, width - own.shape[1])
            found[name] = rows_of_all(torch.cat([own, more], dim=1).to(rows.device), counts)
    return replace(pair, **found)


def _rows(rows: Tensor, counts: list[int]) -> Tensor:
    """Gathers rows, in fp32 on the way, since a process without a pair knows no other dtype."""
    return rows_of_all(rows.float(), counts).to(rows.dtype)
