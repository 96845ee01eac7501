"""What the core can supply to a distance that declares ``needs``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.objective.plan import Plan, PlannedView
from jepa_core.samples.draws import sequence_ids
from jepa_plugins.facts.entities import Entities

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective

#: Entities whose states are made at once.
PART = 8192


def entity_ids(objective: JepaObjective, plan: Plan, target: PlannedView) -> Tensor:
    """``n`` int64, equal where the targets' views have the same tokens: such pairs are no negatives."""
    return sequence_ids(plan.blocks[target.block].ids[target.rows], target.select)


def bank(objective: JepaObjective, plan: Plan, target: PlannedView) -> Tensor:
    """``m d``: the target embedding of every entity of the task, from the weights as they are, with gradient."""
    return objective.entity_states()


def bank_index(objective: JepaObjective, plan: Plan, target: PlannedView) -> Tensor:
    """``n`` int64: which entity of the bank each target is."""
    return _entities(objective).find(plan.blocks[target.block].ids[target.rows], target.select)


def entity_states(objective: JepaObjective) -> Tensor:
    """``m d``: the target embedding of each entity alone. Many are made part by part, and made again in the
    backward pass, so that the memory is that of a part."""
    names = _entities(objective).names
    parts = [names[rows] for rows in torch.arange(len(names)).split(PART)]
    if len(parts) == 1 or not torch.is_grad_enabled():
        return torch.cat([objective.embed(part, "target") for part in parts])
    return torch.cat([checkpoint(objective.embed, part, "target", use_reentrant=False) for part in parts])


def _entities(objective: JepaObjective) -> Entities:
    if objective.entities is None:
        raise ComponentError("the distance needs the task's entities: set objective.entities (Entities.of(sets))")
    return objective.entities


SUPPLIERS: dict[str, Callable[[JepaObjective, Plan, PlannedView], Tensor]] = {
    "entity_ids": entity_ids,
    "bank": bank,
    "bank_index": bank_index,
}

#: Needs for which the objective has to know the task's entities.
OF_ENTITIES = {"bank", "bank_index"}


def check_needs(needs: Sequence[str], owner: object) -> None:
    """Raises ComponentError for a need that nothing supplies."""
    for need in needs:
        if need not in SUPPLIERS:
            raise ComponentError(
                f"{type(owner).__name__} needs '{need}', which nothing supplies{did_you_mean(need, SUPPLIERS)} "
                f"(there is: {', '.join(SUPPLIERS)})"
            )
