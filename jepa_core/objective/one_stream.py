"""Arranges all rows of a batch as one stream, behind one another and without padding.

Worked out in numpy, where an operation on a few hundred numbers costs a tenth of what it costs in torch.

Axes: ``n`` tokens of the stream, ``m`` rows of a block, ``w`` its width, ``r`` rows of all blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from jepa_core.model.flex_attention import TILE
from jepa_core.model.grouped_attention import Group
from jepa_core.objective.arrangement import Arrangement, Block, Call, groups
from jepa_core.objective.stream import Stream
from jepa_core.samples.samples import PAD, PRED
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import Branched

#: The cost of another call of attention on a CPU, in tokens of padding.
ATTENTION_CALL = 24


@dataclass
class _Rows:
    """All rows of all blocks, in the order of the stream. length, sample, piece, prefix (-1: no branch), start (the
    row's first among the tokens of all blocks): ``r``."""

    length: np.ndarray
    sample: np.ndarray
    piece: np.ndarray
    prefix: np.ndarray
    start: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> _Rows:
        return _Rows(*(field[rows] for field in vars(self).values()))

    def spread(self, field: np.ndarray) -> np.ndarray:
        """Repeats a field ``r`` for all tokens of each row: ``n``."""
        return np.repeat(field, self.length)


def one_stream(blocks: Sequence[Block], by_sample: bool, told: bool = True) -> Arrangement:
    """Arranges blocks in one call of one row.

    by_sample: all rows of a sample side by side, as any mask but a plain one needs it; else rows in the order of their
    lengths, branches last. told: whether there is a mask builder to tell of the tokens."""
    real = [_numpy(block.tags) != PAD for block in blocks]
    rows = _rows(blocks, real)
    if by_sample:
        total = np.bincount(rows.sample, rows.length, minlength=len(blocks[0].sample))
        rows = rows[np.lexsort((rows.piece, rows.sample, total[rows.sample]))]
    else:
        seen = rows.length + np.maximum(rows.prefix, 0)
        rows = rows[np.lexsort((rows.length, seen, rows.prefix >= 0))]
    starts = _starts(rows.length)
    order = np.arange(rows.length.sum()) + rows.spread(rows.start - starts)  # n, of the tokens of all blocks
    ids, tags, positions, place = (
        np.concatenate(fields)[order]
        for fields in zip(*(_fields(block, chosen) for block, chosen in zip(blocks, real, strict=True)), strict=True)
    )
    piece = rows.spread(rows.piece)
    sample, parent = rows.spread(rows.sample), rows.spread(np.where(rows.prefix >= 0, 0, rows.piece))
    branched = Branched(*map(_tensor, (piece, rows.spread(rows.prefix), place))) if (rows.prefix >= 0).any() else None
    stream = Stream(
        sample=_tensor(sample),
        block=_tensor(parent),
        positions=_tensor(positions),
        place=_tensor(place),
        branched=branched,
        tokens=_tokens(blocks, sample, parent, tags, piece, place) if by_sample and told else None,
        groups=tuple(_groups_by_sample(rows) if by_sample else _groups_by_row(rows, starts)),
        longest=int(np.bincount(rows.sample, rows.length).max(initial=0)),
        first=_tensor(_first_tiles(rows)) if by_sample else None,
    )
    call = Call(
        ids=_tensor(ids)[None],
        tags=_tensor(tags)[None],
        positions=stream.positions[None],
        block=stream.block[None],
        piece=None if branched is None else branched.piece[None],
        stream=stream,
    )
    device = blocks[0].ids.device
    found = Arrangement((call,), tuple(_places(real, order)))
    return found if device.type == "cpu" else found.to(device)


def _rows(blocks: Sequence[Block], real: Sequence[np.ndarray]) -> _Rows:
    length = np.concatenate([chosen.sum(axis=1) for chosen in real])
    counts = [len(chosen) for chosen in real]
    prefixes = [np.full(len(block.sample), -1) if block.prefix is None else _numpy(block.prefix) for block in blocks]
    return _Rows(
        length=length,
        sample=np.concatenate([_numpy(block.sample) for block in blocks]),
        piece=np.repeat(np.arange(len(blocks)), counts),
        prefix=np.concatenate(prefixes),
        start=_starts(length),
    )[np.flatnonzero(length)]


def _starts(lengths: np.ndarray) -> np.ndarray:
    """``r``: the start of each of several rows that follow one another."""
    return np.cumsum(lengths) - lengths


def _begins(values: np.ndarray) -> np.ndarray:
    """``n`` or ``r`` bool: True where another value begins."""
    found = np.ones(len(values), dtype=bool)
    found[1:] = values[1:] != values[:-1]
    return found


def _fields(block: Block, real: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ids, tags, position ids and columns of a block's real tokens."""
    ids, tags, positions = (_numpy(values)[real] for values in (block.ids, block.tags, block.positions))
    return ids, tags, positions, np.nonzero(real)[1]


def _places(real: Sequence[np.ndarray], order: np.ndarray) -> list[Tensor]:
    """The places in the stream of each block's tokens, ``m w``; 0 for padding."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    starts = [0, *accumulate(int(chosen.sum()) for chosen in real)]
    found = []
    for chosen, start, end in zip(real, starts, starts[1:], strict=False):
        places = np.zeros(chosen.shape, dtype=np.int64)
        places[chosen] = place[start:end]
        found.append(_tensor(places))
    return found


def _tokens(
    blocks: Sequence[Block],
    sample: np.ndarray,
    parent: np.ndarray,
    tags: np.ndarray,
    piece: np.ndarray,
    place: np.ndarray,
) -> Tokens:
    """The tokens as a mask builder sees them; positions are the columns of a packed row."""
    offsets = np.array([0, *accumulate(block.ids.shape[1] for block in blocks)])[:-1]
    begins = _begins(sample)
    starts = _begins(tags) | _begins(piece) | begins  # spans begin here
    number = np.cumsum(starts)
    of_sample = number[np.maximum.accumulate(np.where(begins, np.arange(len(tags)), 0))]
    return Tokens(
        block=_tensor(parent),
        position=_tensor(offsets[piece] + place),
        tag=_tensor(tags),
        span=_tensor(number - of_sample),
        last=_tensor(np.append(starts[1:], True)),
        pred=_tensor(tags == PRED),
    )


def _groups_by_sample(rows: _Rows) -> list[Group]:
    """Groups samples of like length; `rows` are in the order of those."""
    begins = np.flatnonzero(_begins(rows.sample))
    return _groups(np.add.reduceat(rows.length, begins) if len(begins) else rows.length)


def _groups_by_row(rows: _Rows, starts: np.ndarray) -> list[Group]:
    whole = rows.prefix < 0
    count = int(whole.sum())
    found = _groups(rows.length[:count])
    if count == len(rows.length):
        return found
    begin = np.zeros(int(rows.sample.max()) + 1, dtype=np.int64)  # the start of each sample's own row
    own = whole & (rows.piece == 0)
    begin[rows.sample[own]] = starts[own]
    return [*found, *_branch_groups(rows[~whole], begin, int(starts[count]))]


def _branch_groups(rows: _Rows, begin: np.ndarray, start: int) -> list[Group]:
    """Groups branches that see about as many tokens; keys are the prefix and the branch itself. begin: the place at
    which each sample's own row begins."""
    seen, found = rows.length + rows.prefix, []
    for shortest, longest in groups(seen, ATTENTION_CALL):
        chosen = np.flatnonzero((seen >= shortest) & (seen <= longest))
        length, prefix, sample = rows.length[chosen], rows.prefix[chosen], rows.sample[chosen]
        own = _starts(length)
        columns = np.arange(longest)
        in_prefix = columns < prefix[:, None]
        keys = np.where(in_prefix, begin[sample][:, None] + columns, start + (own - prefix)[:, None] + columns)
        hidden = columns >= (length + prefix)[:, None]
        keys[hidden] = 0
        padding = {**_padding(length), "keys": _tensor(keys), "hidden": _tensor(hidden)}
        found.append(Group(start, int(length.sum()), len(chosen), int(length.max()), **padding))
        start += int(length.sum())
    return found


def _groups(lengths: np.ndarray) -> list[Group]:
    """Groups rows, given in the order of their lengths, that share a call."""
    found, start = [], 0
    for shortest, longest in groups(lengths, ATTENTION_CALL):
        length = lengths[(lengths >= shortest) & (lengths <= longest)]
        found.append(Group(start, int(length.sum()), len(length), longest, **_padding(length)))
        start += int(length.sum())
    return found


def _padding(length: np.ndarray) -> dict[str, Tensor]:
    """:attr:`Group.padded`, ``real`` and ``hidden`` of rows of these lengths."""
    longest = int(length.max())
    if int(length.min()) == longest:
        return {}
    starts, columns = _starts(length), np.arange(longest)
    inside = columns < length[:, None]
    return {
        "padded": _tensor(starts[:, None] + columns * inside),
        "real": _tensor(np.flatnonzero(inside)),
        "hidden": _tensor(~inside),
    }


def _first_tiles(rows: _Rows) -> np.ndarray:
    """The first tile that any token of each tile sees: the one in which its first token's sample begins."""
    starts = np.where(_begins(rows.sample), _starts(rows.length), 0)
    return rows.spread(np.maximum.accumulate(starts))[::TILE] // TILE


def _numpy(values: Tensor) -> np.ndarray:
    return values.numpy() if values.device.type == "cpu" else values.cpu().numpy()


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
