"""Turning facts round: ``[head, r, mask, tail]`` becomes ``[tail, r', mask, head]``."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core.views.facts import Facts, Role

# The place of each role's tokens in the reversed fact, and the role they have there; indexed by Role.
_PLACE = torch.tensor([5, 3, 1, 2, 0, 4])
_ROLE = torch.tensor([Role.PAD, Role.TAIL, Role.RELATION, Role.MASK, Role.HEAD, Role.PRED])


def reverse_facts(facts: Facts, inverse_ids: Tensor) -> Facts:
    """The reversed facts, of the same shape and lengths.

    inverse_ids: ``b s``, at the relation's tokens the id of the inverse relation, ignored elsewhere.
    A stable sort by role moves whole spans and keeps the order inside each, so entities may have any length.
    """
    roles = facts.roles.long()
    order = _PLACE.to(roles.device)[roles].argsort(dim=1, stable=True)
    ids = torch.where(roles == Role.RELATION, inverse_ids, facts.ids)
    return Facts(ids.gather(1, order), _ROLE.to(roles.device)[roles].gather(1, order))
