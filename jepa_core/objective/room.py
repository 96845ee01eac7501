"""Room for a sample's positions in the model's position table."""

from __future__ import annotations

from jepa_core.errors import ComponentError
from jepa_core.objective.plan import Plan
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.samples.samples import PAD


def check_room(spec: ObjectiveSpec, table: int | None, longest: int) -> None:
    """Raises ComponentError when a sample of `longest` tokens does not fit the model's position `table`.

    With positions that continue, a second view as long as the sample comes on top.
    """
    k = len(spec.pred_ids)
    paired = any(term.enabled for term in spec.terms) and spec.positions == "continue"
    needed = {"none": 1}.get(spec.positions, longest + k + (longest if paired else 0))
    if table is not None and needed > table:
        also = [f"{k} predictor token{'' if k == 1 else 's'}"] if k else []
        also += ["its second view"] if paired else []
        raise ComponentError(
            f"the longest sample has {longest} tokens{'; with ' if also else '; '}{' and '.join(also)}"
            f"{' ' if also else ''}it takes {needed} positions, and the model has {table}: raise n_positions "
            "(max_position_embeddings)"
        )


def refuse_overflow(plan: Plan, table: int | None) -> None:
    """Raises ComponentError for a position beyond the model's table; only padding may be there, and is clamped."""
    if table is None or sum(block.ids.shape[1] for block in plan.blocks) <= table:  # no position is beyond all columns
        return
    for block in plan.blocks:
        if not block.ids.numel() or int(block.positions.max()) < table:
            continue
        highest = int(block.positions.where(block.tags != PAD, 0).max())
        if highest >= table:
            raise ComponentError(f"a token at position {highest}, and the model has {table} positions")
