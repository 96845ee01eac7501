"""Example inputs: the golden vocabulary, entities of one to three tokens, mixed lengths."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core.samples.samples import Facts, Role
from jepa_core.views.row_tokens import Tokens

MASK, FIRST_RELATION, PAD, PRED, SIZE = 16000, 16001, 16013, 16014, 16015


def facts() -> Facts:
    """Five facts with relations 16001 to 16004 and lengths 6, 4, 5, 8, 6."""
    spans: list[list[list[int]]] = [
        [[11, 12], [16001], [MASK], [13, 14]],
        [[21], [16002], [MASK], [22]],
        [[31], [16003], [MASK], [32, 33]],
        [[41, 42, 43], [16004], [MASK], [44, 45, 46]],
        [[13, 14], [16002], [MASK], [11, 12]],
    ]
    return Facts.from_spans(spans, pad_id=PAD)


def padded(facts: Facts, columns: int) -> Facts:
    """The same facts with more columns of padding."""
    room = torch.full((len(facts), columns), PAD)
    ids, roles = torch.cat([facts.ids, room], dim=1), torch.cat([facts.roles, 0 * room + Role.PAD], dim=1)
    return Facts(ids, roles)


def rows_of_blocks() -> tuple[Tensor, Tensor]:
    """Roles and block numbers ``b t`` of packed rows: ``[fact, PRED, padding | reversed fact, padding]``."""
    roles = facts().roles
    pred = torch.full_like(roles[:, :1], Role.PRED)
    first = torch.cat([roles, torch.zeros_like(pred)], dim=1)
    first.scatter_(1, (roles != Role.PAD).sum(dim=1, keepdim=True), pred)
    block = torch.tensor([0] * first.shape[1] + [1] * roles.shape[1]).expand(len(roles), -1)
    return torch.cat([first, roles], dim=1), block.contiguous()


def tokens() -> Tokens:
    """The tokens of :func:`rows_of_blocks`."""
    return Tokens.of(*rows_of_blocks())


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, the same in every call, without touching the global generator."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
