"""What the core can supply to a distance that declares ``needs``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.objective.draws import sequence_ids
from jepa_core.objective.plan import Plan, PlannedView


def entity_ids(plan: Plan, target: PlannedView) -> Tensor:
    """``n`` int64, equal where the targets' views have the same tokens: such pairs are no negatives."""
    return sequence_ids(plan.blocks[target.block].ids[target.rows], target.select)


SUPPLIERS: dict[str, Callable[[Plan, PlannedView], Tensor]] = {"entity_ids": entity_ids}


def check_needs(needs: Sequence[str], owner: object) -> None:
    """Raises ComponentError for a need that nothing supplies."""
    for need in needs:
        if need not in SUPPLIERS:
            raise ComponentError(
                f"{type(owner).__name__} needs '{need}', which nothing supplies{did_you_mean(need, SUPPLIERS)} "
                f"(there is: {', '.join(SUPPLIERS)})"
            )
