"""From a recipe to the objects that train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from jepa_core.assembly.rehearse import watched
from jepa_core.components import BuildContext, DatasetContext, declared
from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.model.build import build_model
from jepa_core.objective.needs import OF_ENTITIES
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.room import check_room
from jepa_core.registry import Registry
from jepa_core.samples.token_names import Vocabulary
from jepa_plugins.facts.concepts import ConceptEvaluation
from jepa_plugins.facts.entities import Entities
from jepa_plugins.facts.fact_set import Batch, TaskData, collate

if TYPE_CHECKING:
    from jepa_core.recipe.component_ref import ComponentRef
    from jepa_core.recipe.schema import Recipe
    from jepa_core.training.trainer import JepaTrainer


@dataclass
class Run:
    """A recipe, built: everything that trains, and nothing that has trained yet."""

    recipe: Recipe
    objective: JepaObjective
    train_dataset: Any
    eval_datasets: Mapping[str, Any]
    vocabulary: Vocabulary
    tokenizer_files: Mapping[str, str]
    device: str | None = None
    collate: Callable[..., Batch] = field(default=collate, repr=False)

    @property
    def concept_evaluation(self) -> ConceptEvaluation | None:
        """None where the recipe does not ask for it."""
        return concept_evaluation(self.recipe, self.objective, self.train_dataset, self.eval_datasets)

    @cached_property
    def trainer(self) -> JepaTrainer:
        """The trainer; made on first use, because importing transformers' takes seconds."""
        from jepa_core.training.setup import make_trainer

        return make_trainer(self)


def build(recipe: Recipe, registry: Registry | None = None, device: str | None = None) -> Run:
    """Reads the data and builds model and components.

    device: ``cpu`` keeps the run off a GPU. Raises JepaError for whatever in the recipe or its data is wrong.
    """
    registry = registry or Registry.discover()
    data = load_data(recipe, registry)
    _refuse_unknown_splits(recipe, data.evaluation)
    objective = build_objective(recipe, data.vocabulary, registry)
    give_entities(recipe, objective, data)
    longest = max(data_set.max_length for data_set in (data.train, *data.evaluation.values()))
    check_room(objective, longest)
    _refuse_leaks(recipe, objective, data.train)
    return Run(recipe, objective, data.train, data.evaluation, data.vocabulary, data.tokenizer_files, device)


def give_entities(recipe: Recipe, objective: JepaObjective, data: TaskData) -> None:
    """Tells the objective which entities there are, where something asks for them: it takes reading all sets."""
    needs = set(declared("distance", objective.distance, "needs"))
    if recipe.evaluation.concepts or objective.recall or OF_ENTITIES & needs:
        objective.entities = Entities.of((data.train, *data.evaluation.values()))


def concept_evaluation(
    recipe: Recipe, objective: JepaObjective, train: Any, evaluation: Mapping[str, Any]
) -> ConceptEvaluation | None:
    if not recipe.evaluation.concepts:
        return None
    return ConceptEvaluation(objective, train, (train, *evaluation.values()))


def load_data(recipe: Recipe, registry: Registry) -> TaskData:
    """The sets and the vocabulary that the recipe's dataset gives."""
    settings = recipe.objective
    context = DatasetContext(recipe.seed, settings.k, settings.distinct_pred, recipe.search)
    return _create(registry, recipe, "data", "dataset", recipe.data, context)


def build_objective(
    recipe: Recipe, vocabulary: Vocabulary, registry: Registry | None = None, weights: Path | None = None
) -> JepaObjective:
    """The objective of a recipe over this vocabulary.

    weights: a folder written by :func:`jepa_core.checkpoint.weights.save_weights`, read instead of starting afresh.
    """
    from jepa_core.checkpoint.weights import load_weights

    registry = registry or Registry.discover()
    settings = recipe.objective
    torch.manual_seed(recipe.seed)
    section = recipe.model
    if weights is not None and section.pretrained is not None:  # where it came from may be gone by now
        section = section.model_copy(update={"pretrained": str(weights)})
    model = build_model(section, vocabulary)
    context = BuildContext(
        vocabulary=vocabulary,
        width=model.config.hidden_size,
        num_layers=model.config.num_hidden_layers,
        k=settings.k,
        seed=recipe.seed,
        search=recipe.search,
    )

    def create(kind: str, reference: ComponentRef, key: str = "") -> Any:
        return _create(registry, recipe, f"objective.{key or kind}", kind, reference, context)

    sides = settings.embedding
    source = create("embedding", sides.source)
    # Named once, it is one component: both sides share its parameters.
    target = source if sides.source == sides.target else create("embedding", sides.target)
    pred_ids = vocabulary.pred_ids if settings.distinct_pred else vocabulary.pred_ids * settings.k
    objective = JepaObjective(
        model,
        reversal=create("reversal", settings.reversal),
        mask=create("mask", settings.mask),
        embedding=(source, target),
        distance=create("distance", settings.distance),
        filters=[create("filter", reference, f"filters.{i}") for i, reference in enumerate(settings.filters)],
        pred_ids=pred_ids,
        lambda_jepa=settings.lambda_jepa,
        gamma_ntp=settings.gamma_ntp,
        positions=settings.positions,
        stop_gradient=settings.stop_gradient,
        ntp_detach=settings.ntp_detach,
        recall_temperature=settings.recall_temperature,
        layout=settings.layout,
        seed=recipe.seed,
    )
    if weights is not None:
        load_weights(objective, weights)
    objective.transformer.check()
    return objective


def _create(registry: Registry, recipe: Recipe, key: str, kind: str, reference: ComponentRef, context: Any) -> Any:
    """A component; what it refuses is told with the line where the recipe asks for it."""
    try:
        return registry.create(kind, reference.name, context=context, **reference.options)
    except ComponentError as error:
        raise recipe.error(key, str(error)) from error


def _refuse_unknown_splits(recipe: Recipe, sets: Mapping[str, Any]) -> None:
    for split in recipe.evaluation.splits:
        if split not in sets:
            message = f"'{recipe.data.name}' has no split '{split}'{did_you_mean(split, sets)}"
            raise recipe.error("evaluation.splits", message)


def _refuse_leaks(recipe: Recipe, objective: JepaObjective, train: Any) -> None:
    """Plans one sample of each type, so that a leaking recipe fails before training, not in the middle."""
    firsts = [of_type.first for of_type in train.types.values()]
    was_training = objective.training
    with watched(objective, recipe):
        objective.train().plan(train.__getitems__(firsts))
    objective.train(was_training)
