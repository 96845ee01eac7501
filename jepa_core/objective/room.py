"""Is there room for a sample's positions in the model's position table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jepa_core.errors import ComponentError
from jepa_core.objective.plan import Plan
from jepa_core.samples.samples import Role

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective


def check_room(objective: JepaObjective, longest: int) -> None:
    """Raises ComponentError when a fact of `longest` tokens does not fit the model's position table.

    With positions that continue, a second view as long as the fact comes on top.
    """
    table, planner = objective.transformer.max_positions, objective.planner
    k = len(planner.pred_ids)
    paired = planner.enabled and planner.positions == "continue"
    needed = {"none": 1}.get(planner.positions, longest + k + (longest if paired else 0))
    if table is not None and needed > table:
        raise ComponentError(
            f"the longest fact has {longest} tokens; with {k} predictor tokens and its second view it takes "
            f"{needed} positions, and the model has {table}: raise n_positions (max_position_embeddings)"
        )


def refuse_overflow(plan: Plan, table: int | None) -> None:
    """A position beyond the model's table is a ComponentError; only padding may be, and is clamped."""
    for block in plan.blocks:
        highest = int(block.positions.where(block.roles != Role.PAD, 0).max()) if block.ids.numel() else 0
        if table is not None and highest >= table:
            raise ComponentError(f"a token at position {highest}, and the model has {table} positions")
