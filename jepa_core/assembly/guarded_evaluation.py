"""Evaluations whose mistakes are told with the recipe's line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jepa_core.components import Evaluation
from jepa_core.contracts.broken import Broken
from jepa_core.contracts.clauses import figures
from jepa_core.errors import ComponentError, JepaError, brief

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.samples.sample_set import SampleSet


def guarded_all(recipe: Recipe, evaluations: Mapping[str, Evaluation]) -> dict[str, GuardedEvaluation]:
    """The further evaluations of a recipe, by name, each guarded."""
    places = {each.name: f"evaluation.also.{i}" for i, each in enumerate(recipe.evaluation.also)}
    return {name: GuardedEvaluation(each, recipe, places[name], name) for name, each in evaluations.items()}


class GuardedEvaluation:
    """Stands for an evaluation; whatever it does wrong is one message with the recipe's line."""

    def __init__(self, evaluation: Evaluation, recipe: Recipe, key: str, name: str):
        self._evaluation, self._recipe, self._key, self._name = evaluation, recipe, key, name

    def __call__(self, name: str, samples: SampleSet, batch_size: int, /) -> Mapping[str, Any]:
        try:
            found = self._evaluation(name, samples, batch_size)
            figures(found)
        except JepaError:
            raise
        except Broken as error:
            raise self._error(f"breaks its contract: {error}") from error
        except (Exception, SystemExit) as error:
            raise self._error(f"fails on set '{name}': {brief(error)}") from error
        return found

    def _error(self, words: str) -> ComponentError:
        """Makes no RecipeError: by the end of a run, something was run."""
        return ComponentError(str(self._recipe.error(self._key, f"'{self._name}' {words}")))
