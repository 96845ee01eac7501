"""Evaluation of every split that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jepa_core.evaluation.evaluate import Metrics, evaluate
from jepa_core.report.progress import progress

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.schema import Evaluation


def evaluate_splits(objective: JepaObjective, sets: Mapping[str, Any], settings: Evaluation) -> dict[str, Metrics]:
    """Split name -> metrics, in the recipe's order, with a progress bar that leaves no trace."""
    chosen = {name: sets[name] for name in settings.splits}
    batches = sum(-(-len(data_set) // settings.batch_size) for data_set in chosen.values())
    with progress(total=batches, desc="evaluating", unit="batch", leave=False) as bar:
        return {
            name: evaluate(objective, data_set, settings.batch_size, settings.per_layer, bar.update)
            for name, data_set in chosen.items()
        }
