"""An arrangement of blocks: the transformer calls that their tokens share, and the tokens' places in them.

Axes: ``m`` rows of a block, ``w`` its width; ``r`` rows of a call, ``t`` tokens of each; ``f`` all tokens of all
calls, laid flat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from jepa_core.objective.stream import Stream
from jepa_core.samples.movable import Movable
from jepa_core.samples.samples import PAD
from jepa_core.views.visibility import apart_by_branch


@dataclass(frozen=True)
class Block(Movable):
    """Rows of tokens that start afresh. ids, tags, positions (position ids): ``m w``; sample: ``m``, the batch row that
    each belongs to; prefix: ``m``, for a branch the number of tokens of block 0 that it continues, else None."""

    ids: Tensor
    tags: Tensor
    positions: Tensor
    sample: Tensor
    prefix: Tensor | None = None


@dataclass(frozen=True)
class Call(Movable):
    """One call of the transformer.

    ids, tags, positions (position ids), block (number of the block, for a branch that of the block it continues), piece
    (number of the block itself): ``r t``; apart: ``r t t`` bool, keys that a query never sees because one of the two is
    in a branch; piece and apart are None without branches; stream: who sees whom in a call that is one row without
    padding; masked: whether the call takes a mask, since rows are not plainly causal."""

    ids: Tensor
    tags: Tensor
    positions: Tensor
    block: Tensor
    piece: Tensor | None = None
    apart: Tensor | None = None
    stream: Stream | None = None
    masked: bool = False


@dataclass(frozen=True)
class Arrangement(Movable):
    """places: for each block, ``m w``, the places of its tokens among the ``f`` of all calls."""

    calls: tuple[Call, ...]
    places: tuple[Tensor, ...]

    def by_call(self, places: Tensor) -> tuple[Tensor, ...]:
        """Splits `places` by call: for each call those among its tokens, as indices into its own, flat."""
        sizes = [call.ids.numel() for call in self.calls]
        chosen = torch.zeros(sum(sizes), dtype=torch.bool, device=places.device)
        chosen[places] = True
        return tuple(part.nonzero().flatten() for part in chosen.split(sizes))


Arrange = Callable[[Sequence[Block]], Arrangement]


def side_by_side(blocks: Sequence[Block]) -> Arrangement:
    """Arranges blocks in one call: a sample's in one row, each at the same columns in every row."""
    batch, widths = len(blocks[0].sample), [block.ids.shape[1] for block in blocks]
    ids, tags, positions = (
        torch.cat([_scatter(getattr(block, name), block.sample, batch) for block in blocks], dim=1)
        for name in ("ids", "tags", "positions")
    )
    piece = torch.cat([torch.full((batch, width), i) for i, width in enumerate(widths)], dim=1).to(ids.device)
    places = (part[block.sample] for part, block in zip(_numbered(ids).split(widths, dim=1), blocks, strict=True))
    return Arrangement((_call(ids, tags, positions, piece, blocks),), tuple(places))


def _call(ids: Tensor, tags: Tensor, positions: Tensor, piece: Tensor, blocks: Sequence[Block]) -> Call:
    """Makes a call. piece: ``r t``, number of the block that each token is in."""
    if all(block.prefix is None for block in blocks):
        return Call(ids, tags, positions, piece, masked=True)
    batch = len(ids)
    prefix = torch.cat(
        [
            torch.full((batch, block.ids.shape[1]), -1)
            if block.prefix is None
            else _scatter(block.prefix[:, None].expand(block.ids.shape), block.sample, batch)
            for block in blocks
        ],
        dim=1,
    )
    place = torch.cat([torch.arange(block.ids.shape[1]) for block in blocks]).expand_as(piece)
    parents = torch.tensor([i if block.prefix is None else 0 for i, block in enumerate(blocks)])
    apart = apart_by_branch(piece, prefix, place)
    return Call(ids, tags, positions, parents[piece], piece, apart, masked=True)


def one_block_a_row(blocks: Sequence[Block], call_cost: float) -> Arrangement:
    """Arranges every row of every block by itself, branches behind their block; rows of like length share a call.

    call_cost: the cost of a call besides its tokens, in tokens; rows are padded to their call's width where that
    costs less than a call more.
    """
    branches = [i for i, block in enumerate(blocks) if block.prefix is not None]
    if not branches:
        return _rows(blocks, call_cost)
    together = [0, *branches]
    rest = [i for i in range(len(blocks)) if i not in together]
    shared = _by_length(_without_gaps(side_by_side([blocks[i] for i in together])), call_cost)
    places: dict[int, Tensor] = dict(zip(together, shared.places, strict=True))
    calls = shared.calls
    if rest:
        others, first = _rows([blocks[i] for i in rest], call_cost), sum(call.ids.numel() for call in calls)
        places |= {i: place + first for i, place in zip(rest, others.places, strict=True)}
        calls = (*calls, *others.calls)
    return Arrangement(calls, tuple(places[i] for i in range(len(blocks))))


def _without_gaps(one: Arrangement) -> Arrangement:
    """Moves the real tokens of each row of the one call to the front, in their order."""
    call = one.calls[0]
    order = (call.tags == PAD).long().argsort(dim=1, stable=True)
    width = int((call.tags != PAD).sum(dim=1).max())
    rows = torch.arange(len(order))[:, None]
    new_place = torch.empty_like(order).scatter_(1, order, _columns(order))
    kept = order[:, :width]
    assert call.piece is not None, "rows are closed up where there are branches"
    assert call.apart is not None, "and these keep their tokens apart"
    ids, tags, positions, block, piece = (
        values.gather(1, kept) for values in (call.ids, call.tags, call.positions, call.block, call.piece)
    )
    apart = call.apart[rows[:, :, None], kept[:, :, None], kept[:, None, :]]
    closed = Call(ids, tags, positions, block, piece, apart, masked=True)
    flat = (rows * width + new_place.clamp(max=width - 1)).flatten()
    return Arrangement((closed,), tuple(flat[place] for place in one.places))


def _by_length(one: Arrangement, call_cost: float) -> Arrangement:
    """Splits the one call into as many as cost the least."""
    lengths = (one.calls[0].tags != PAD).sum(dim=1)
    ranges = groups(lengths.cpu().numpy(), call_cost)
    if len(ranges) == 1:
        return one
    calls, place = _split(one.calls[0], lengths, ranges)
    return Arrangement(calls, tuple(place.flatten()[places] for places in one.places))


def _columns(like: Tensor) -> Tensor:
    return torch.arange(like.shape[1]).expand_as(like)


def _rows(blocks: Sequence[Block], call_cost: float) -> Arrangement:
    width = max(block.ids.shape[1] for block in blocks)
    ids, tags = (
        torch.cat([pad(getattr(b, name), (0, width - b.ids.shape[1])) for b in blocks]) for name in ("ids", "tags")
    )
    ids = ids.where(tags != PAD, ids[:, :1])  # any token will do, but models warn of their padding token
    positions = torch.cat([_extend(block.positions, width) for block in blocks])
    number = torch.cat([torch.full((len(b.ids), width), i) for i, b in enumerate(blocks)]).to(ids.device)
    lengths = (tags != PAD).sum(dim=1)
    whole, ranges = Call(ids, tags, positions, number), groups(lengths.cpu().numpy(), call_cost)
    one_call = len(ranges) == 1 and ranges[0][1] == width
    calls, place = ((whole,), _numbered(ids)) if one_call else _split(whole, lengths, ranges)
    sizes = [len(block.ids) for block in blocks]
    places = (part[:, : b.ids.shape[1]] for part, b in zip(place.split(sizes), blocks, strict=True))
    return Arrangement(calls, tuple(places))


def _split(whole: Call, lengths: Tensor, ranges: Sequence[tuple[int, int]]) -> tuple[tuple[Call, ...], Tensor]:
    """Makes a call for each range of row lengths; returns them, and the place in them of each token ``r t`` of the
    whole."""
    place = torch.zeros_like(whole.ids)
    calls, start = [], 0
    for shortest, longest in ranges:
        chosen = ((lengths >= shortest) & (lengths <= longest)).nonzero().flatten()
        ids, tags, positions, block = (
            values[chosen, :longest] for values in (whole.ids, whole.tags, whole.positions, whole.block)
        )
        piece = None if whole.piece is None else whole.piece[chosen, :longest]
        apart = None if whole.apart is None else whole.apart[chosen, :longest, :longest]
        calls.append(Call(ids, tags, positions, block, piece, apart, masked=whole.masked))
        place[chosen, :longest] = _numbered(calls[-1].ids) + start
        start += len(chosen) * longest
    return tuple(calls), place


def _numbered(values: Tensor) -> Tensor:
    """Numbers from 0, in the shape of `values`."""
    return torch.arange(values.numel(), device=values.device).view(values.shape)


def groups(lengths: np.ndarray, call_cost: float) -> list[tuple[int, int]]:
    """Ranges (shortest, longest) of row lengths that share a call, the shortest first, at the least cost.

    The cost is that of tokens with their padding, and `call_cost` for each call. Found by the cheapest way to arrange
    all rows up to each length, in turn.
    """
    counted = np.bincount(lengths)
    values = np.flatnonzero(counted).tolist()
    rows = [0, *accumulate(counted[values].tolist())]
    cheapest: list[tuple[float, list[tuple[int, int]]]] = [(0, [])]
    for end, longest in enumerate(values, start=1):
        costs = [cheapest[i][0] + call_cost + (rows[end] - rows[i]) * longest for i in range(end)]
        first = costs.index(min(costs))  # among equals, the fewest calls
        cheapest.append((costs[first], [*cheapest[first][1], (values[first], longest)]))
    return cheapest[-1][1]


def _scatter(values: Tensor, sample: Tensor, batch: int) -> Tensor:
    """Puts rows ``m w`` in their places among `batch` rows; the others get 0, which is :attr:`PAD`."""
    if len(values) == batch:
        return values
    return values.new_zeros(batch, values.shape[1]).index_copy(0, sample, values)


def _extend(positions: Tensor, width: int) -> Tensor:
    """Continues counting over the padding, so that a row is one sequence to the model."""
    missing = width - positions.shape[1]
    if not missing:
        return positions
    step = positions[:, 1:2] - positions[:, :1] if positions.shape[1] > 1 else torch.ones_like(positions)
    more = torch.arange(1, missing + 1, device=positions.device)
    return torch.cat([positions, positions[:, -1:] + step * more], dim=1)
