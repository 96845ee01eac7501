"""The model's hidden states for a plan, and how far they move when some of its tokens change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.views.facts import Role


def with_ids(objective: JepaObjective, plan: Plan, ids: Sequence[Tensor]) -> Plan:
    """The plan with other tokens: `ids` of each block, ``m w``."""
    blocks = tuple(replace(block, ids=new) for block, new in zip(plan.blocks, ids, strict=True))
    return replace(plan, blocks=blocks, arrangement=objective.layout.arrange(blocks))


@torch.no_grad()
def states(objective: JepaObjective, plan: Plan) -> list[Tensor]:
    """Of each block ``m w l d``: every token at every layer, as the objective's layout runs them."""
    transformer, layout = objective.transformer, objective.layout
    plan = plan.to(next(objective.parameters()).device)
    layers = range(transformer.num_layers + 1)
    found = []
    for call in plan.arrangement.calls:
        hidden = transformer(call.ids, call.positions, layout.mask(call), layers)
        found.append(torch.stack([hidden[layer] for layer in layers], dim=2).flatten(0, 1))
    flat = torch.cat(found)
    return [flat[places] for places in plan.arrangement.places]


class Probe:
    """Changes tokens of a plan and looks who moves."""

    def __init__(self, objective: JepaObjective, plan: Plan):
        self.objective, self.plan = objective, plan
        self.before = states(objective, plan)

    def movements(self, change: Sequence[Tensor]) -> list[Tensor]:
        """Of each block ``m w l``: how far each token's state moves at each layer, at most over the width, when
        the tokens chosen by `change` (``m w`` bool a block) become other ones. Padding does not count."""
        vocab = self.objective.transformer.vocab
        ids = [
            block.ids.where(~changed, (block.ids + 1) % vocab)
            for block, changed in zip(self.plan.blocks, change, strict=True)
        ]
        after = states(self.objective, with_ids(self.objective, self.plan, ids))
        moved = []
        for old, new, block in zip(self.before, after, self.plan.blocks, strict=True):
            far = (new.double() - old.double()).abs().amax(dim=-1).cpu()
            moved.append(far.where((block.roles != Role.PAD)[..., None], 0))
        return moved

    def nothing(self) -> list[Tensor]:
        """A change of no token, to start from."""
        return [torch.zeros_like(block.roles, dtype=torch.bool) for block in self.plan.blocks]

    def column(self, block: int, column: int) -> list[Tensor]:
        """Changes one column of one block, in all rows that have a token there."""
        change = self.nothing()
        change[block][:, column] = self.plan.blocks[block].roles[:, column] != Role.PAD
        return change
