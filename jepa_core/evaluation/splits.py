"""Evaluation of every split that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jepa_core.evaluation.evaluate import Metrics, evaluate
from jepa_core.progress import progress
from jepa_plugins.facts.concepts import ConceptEvaluation

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.schema import Evaluation


def evaluate_splits(
    objective: JepaObjective,
    sets: Mapping[str, Any],
    settings: Evaluation,
    concepts: ConceptEvaluation | None = None,
) -> dict[str, Metrics]:
    """Split name -> metrics, in the recipe's order, with a progress bar that leaves no trace.

    concepts: adds its figures.
    """
    chosen = {name: sets[name] for name in settings.splits}
    batches = sum(-(-len(data_set) // settings.batch_size) for data_set in chosen.values())
    with progress(total=batches, desc="evaluating", unit="batch", leave=False) as bar:
        metrics = {
            name: evaluate(objective, data_set, settings.batch_size, settings.per_layer, bar.update)
            for name, data_set in chosen.items()
        }
    if concepts is not None:
        for name, data_set in chosen.items():
            metrics[name] |= concepts(data_set, settings.batch_size)
    return metrics
