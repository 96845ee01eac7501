"""Example inputs: rows of tokens with four tags, mixed lengths."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core.samples.samples import PAD, PRED, Samples
from jepa_core.views.row_tokens import Tokens

#: Names of the example's tags 1 to 4, and of its groups 0 to 2.
TAGS, GROUPS = ("first", "kind", "gap", "second"), ("train", "more", "test")
#: Ids of the token in the gap, of the first kind, of padding; and how many ids there are.
GAP, FIRST_KIND, PAD_ID, SIZE = 16000, 16001, 16013, 16015


def samples() -> Samples:
    """Five samples ``[first, kind, gap, second]`` with kinds 16001 to 16004 and lengths 6, 4, 5, 8, 6."""
    spans = [
        ([11, 12], [FIRST_KIND], [GAP], [13, 14]),
        ([21], [FIRST_KIND + 1], [GAP], [22]),
        ([31], [FIRST_KIND + 2], [GAP], [32, 33]),
        ([41, 42, 43], [FIRST_KIND + 3], [GAP], [44, 45, 46]),
        ([13, 14], [FIRST_KIND + 1], [GAP], [11, 12]),
    ]
    rows = [[(i, tag) for tag, span in enumerate(sample, start=1) for i in span] for sample in spans]
    width = max(map(len, rows))
    table = torch.tensor([row + [(PAD_ID, PAD)] * (width - len(row)) for row in rows])
    return Samples(table[..., 0].contiguous(), table[..., 1].contiguous())


def padded(some: Samples, columns: int) -> Samples:
    """The same samples with more columns of padding."""
    room = torch.zeros(len(some), columns, dtype=torch.int64)
    ids, tags = torch.cat([some.ids, room + PAD_ID], dim=1), torch.cat([some.tags, room + PAD], dim=1)
    return Samples(ids, tags, some.renderings)


def batch_of(rows: list[int]) -> dict[str, Tensor]:
    """Makes a batch of these samples, with labels on the last tag and groups in turns."""
    some = samples()[torch.tensor(rows, dtype=torch.int64)]
    index = torch.arange(len(rows))
    return {
        "input_ids": some.ids,
        "labels": some.ids.where(some.tags == len(TAGS), -100),
        "tags": some.tags,
        "group": torch.tensor([0, 1, 0, 2])[index % 4],
        "index": index,
    }


def rows_of_blocks() -> tuple[Tensor, Tensor]:
    """Tags and block numbers ``b t`` of packed rows: ``[sample, PRED, padding | sample, padding]``."""
    tags = samples().tags
    pred = torch.full_like(tags[:, :1], PRED)
    first = torch.cat([tags, torch.zeros_like(pred)], dim=1)
    first.scatter_(1, (tags != PAD).sum(dim=1, keepdim=True), pred)
    block = torch.tensor([0] * first.shape[1] + [1] * tags.shape[1]).expand(len(tags), -1)
    return torch.cat([first, tags], dim=1), block.contiguous()


def tokens() -> Tokens:
    """The tokens of :func:`rows_of_blocks`."""
    return Tokens.of(*rows_of_blocks())


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, the same in every call, without touching the global generator."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
