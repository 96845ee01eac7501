"""Evaluation of every split that the recipe names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqdm.auto import tqdm

from jepa_core.evaluation.evaluate import Metrics, evaluate

if TYPE_CHECKING:
    from jepa_core.building import Run


def evaluate_splits(run: Run) -> dict[str, Metrics]:
    """Split name -> metrics, in the recipe's order, with a progress bar that leaves no trace."""
    settings = run.recipe.evaluation
    sets = {name: run.eval_datasets[name] for name in settings.splits}
    batches = sum(-(-len(data_set) // settings.batch_size) for data_set in sets.values())
    with tqdm(total=batches, desc="evaluating", unit="batch", leave=False, dynamic_ncols=True) as bar:
        return {
            name: evaluate(run.objective, data_set, settings.batch_size, settings.per_layer, bar.update)
            for name, data_set in sets.items()
        }
