"""The objects that train, built from a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.assembly.assemble import assemble, create, load_data, refuse_odd_folder, told_at
from jepa_core.assembly.watched_step import watched
from jepa_core.components import Evaluation
from jepa_core.errors import did_you_mean
from jepa_core.evaluation.evaluate import EvaluationContext
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.room import check_room
from jepa_core.recipe.abridged import as_table
from jepa_core.recipe.schema import refuse_no_recipe
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import Batch, SampleSet, TaskData, collate
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.training.trainer import JepaTrainer


@dataclass(repr=False)
class Run:
    """A built recipe: everything that trains, and nothing trained yet."""

    recipe: Recipe
    objective: JepaObjective
    data: TaskData
    registry: Registry = field(repr=False)
    device: str | None = None
    collate: Callable[..., Batch] = field(default=collate)

    def __repr__(self) -> str:
        sets = ", ".join(f"{name} {len(data_set):,}" for name, data_set in self.eval_datasets.items())
        size = sum(parameter.numel() for parameter in self.objective.parameters())
        return f"Run({self.recipe!r}: {size:,} parameters, {len(self.train_dataset):,} training samples; {sets})"

    def _repr_html_(self) -> str:
        return as_table(repr(self), self.recipe.model_dump())

    @property
    def train_dataset(self) -> SampleSet:
        return self.data.train

    @property
    def eval_datasets(self) -> Mapping[str, SampleSet]:
        return self.data.evaluation

    @property
    def vocabulary(self) -> TokenNames:
        return self.data.vocabulary

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """The further evaluations that the recipe asks for, by name."""
        return make_evaluations(self.recipe, self.objective, self.data, self.registry)

    @cached_property
    def trainer(self) -> JepaTrainer:
        """The trainer; made on first use, because importing transformers' takes seconds."""
        from jepa_core.assembly.trainer import make_trainer

        return make_trainer(self)


def build(recipe: Recipe, registry: Registry | None = None, device: str | None = None) -> Run:
    """Reads the data and builds model and components.

    device: ``cpu`` keeps the run off a GPU. Raises JepaError for whatever in the recipe or its data is wrong.
    """
    refuse_no_recipe(recipe)
    registry = registry or Registry.discover()
    refuse_odd_folder(recipe)
    return build_on(load_data(recipe, registry), recipe, registry, device)


def build_on(
    data: TaskData, recipe: Recipe, registry: Registry, device: str | None = None, weights: Path | None = None
) -> Run:
    """Builds as :func:`build` does, over data already read. weights: the folder of a saved model to start from."""
    _refuse_unknown_splits(recipe, data.evaluation)
    objective = assemble(recipe, data, registry, weights)
    longest = max(data_set.max_length for data_set in (data.train, *data.evaluation.values()))
    with told_at(recipe, f"model.{'pretrained' if recipe.model.pretrained else 'config'}"):
        check_room(objective.spec, objective.transformer.max_positions, longest)
    _refuse_leaks(recipe, objective, data.train)
    return Run(recipe, objective, data, registry, device)


def make_evaluations(
    recipe: Recipe, objective: JepaObjective, data: TaskData, registry: Registry
) -> dict[str, Evaluation]:
    """Makes the further evaluations of a recipe, by name, for this objective and these data."""
    context = EvaluationContext(objective, data, recipe.search)
    return {
        reference.name: create(registry, recipe, f"evaluation.also.{i}", "evaluation", reference, context)
        for i, reference in enumerate(recipe.evaluation.also)
    }


def _refuse_unknown_splits(recipe: Recipe, sets: Mapping[str, SampleSet]) -> None:
    for split in recipe.evaluation.splits or ():
        if split not in sets:
            message = f"'{recipe.data.name}' has no split '{split}'{did_you_mean(split, sets)}"
            raise recipe.error("evaluation.splits", message)


def _refuse_leaks(recipe: Recipe, objective: JepaObjective, train: SampleSet) -> None:
    """Plans one sample of each group, so that a leaking recipe fails before training, not in the middle."""
    firsts = [int(train.first_rows(group, 1)[0]) for group in train.group_sizes]
    with watched(objective, recipe) as seen, told_at(recipe, "objective.filters"):
        seen.train().plan(train.__getitems__(firsts))
