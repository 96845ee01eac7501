"""Evaluation of every set that a recipe names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jepa_core.components import Evaluation
from jepa_core.evaluation.evaluate import Metrics, evaluate
from jepa_core.evaluation.finite import without_non_finite
from jepa_core.progress import progress
from jepa_core.samples.sample_set import SampleSet

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.schema import EvaluationSection


def evaluate_splits(
    objective: JepaObjective,
    sets: Mapping[str, SampleSet],
    settings: EvaluationSection,
    also: Mapping[str, Evaluation] | None = None,
) -> dict[str, Metrics]:
    """Evaluates sets; returns set name -> metrics, in the recipe's order. Its progress bar leaves no trace.

    also: further evaluations, which add their figures. Figures that are not finite become None, and are named: see
    :mod:`jepa_core.evaluation.finite`.
    """
    chosen = {name: sets[name] for name in settings.splits or sets}
    batches = sum(-(-len(data_set) // settings.batch_size) for data_set in chosen.values())
    with progress(total=batches, desc="evaluating", unit="batch", leave=False) as bar:
        metrics = {
            name: evaluate(objective, data_set, settings.batch_size, settings.per_layer, bar.update)
            for name, data_set in chosen.items()
        }
    if also:
        with objective.transformer.whole():
            for further in also.values():
                for name, data_set in chosen.items():
                    metrics[name] |= further(name, data_set, settings.batch_size)
    return {name: without_non_finite(values) for name, values in metrics.items()}
