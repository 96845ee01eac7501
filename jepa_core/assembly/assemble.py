"""The one place where a recipe and its data become an objective."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from jepa_core.checkpoint.weights import load_weights
from jepa_core.components import DistanceTraits, MaskTraits, ReversalStrategy, ReversalTraits
from jepa_core.contexts import BuildContext, DatasetContext
from jepa_core.contracts.broken import Broken
from jepa_core.contracts.fitness import unfit
from jepa_core.contracts.task import check_task
from jepa_core.errors import ComponentError, DataError, JepaError, RecipeError, did_you_mean
from jepa_core.model.build import build_model, refuse_folder
from jepa_core.objective.needs import OF_CANDIDATES, OF_RIGHT
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.schedule import Schedule
from jepa_core.objective.spec import Ema, JepaTerm, ObjectiveSpec, Target
from jepa_core.recipe.defaults import DEFAULTS
from jepa_core.recipe.model_folder import place_of
from jepa_core.registry import Registry
from jepa_core.registry.options import blamed
from jepa_core.samples.sample_set import TaskData
from jepa_core.views.pairs import no_views

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from jepa_core.recipe.component_ref import ComponentRef
    from jepa_core.recipe.model_section import ModelSection
    from jepa_core.recipe.objective_section import EmaTarget, FurtherTerm, ObjectiveSection, WeightSchedule
    from jepa_core.recipe.schema import Recipe


def load_data(recipe: Recipe, registry: Registry) -> TaskData:
    """Reads the sets and the vocabulary of the recipe's dataset.

    Raises JepaError for whatever is wrong in them, and RecipeError where the dataset returns something else.
    """
    settings = recipe.objective
    context = DatasetContext(
        recipe.seed, settings.k, settings.distinct_pred, recipe.search, pretrained=recipe.model.pretrained
    )
    data = create(registry, recipe, "data", "dataset", recipe.data, context)
    try:
        check_task(data, settings.k if settings.distinct_pred else min(settings.k, 1))
    except Broken as error:
        raise recipe.error("data", f"'{recipe.data.name}' breaks its contract: {error}") from error
    return data


def assemble(recipe: Recipe, data: TaskData, registry: Registry, weights: Path | None = None) -> JepaObjective:
    """Builds the objective of a recipe over its data.

    weights: a folder written by :func:`~jepa_core.checkpoint.weights.save_weights`, read instead of starting afresh.
    Raises JepaError for whatever in the recipe does not go together.
    """
    torch.manual_seed(recipe.seed)
    section = recipe.model if weights is None else _kept(recipe.model, weights)
    with _told_of_model(recipe):
        model = build_model(section, data.vocabulary, recipe.search)
    spec = make_spec(recipe, data, registry, model.config.get_text_config(decoder=True))
    with told_at(recipe, "objective", ("layout", "ntp_detach")):
        objective = JepaObjective(model, spec)
    if weights is not None:
        load_weights(objective, weights)
    _refuse_balance(recipe, objective)
    by_layer = MaskTraits.of(objective.spec.mask).by_layer
    with _told_of_model(recipe):
        objective.transformer.check(recipe.objective.positions, objective.layout.name == "packed", by_layer)
    return objective


def refuse_odd_folder(recipe: Recipe) -> None:
    """Raises RecipeError where the recipe's model should come from a folder that holds none. It comes before the data,
    which may read their tokenizer there."""
    named = recipe.model.pretrained or recipe.model.config
    place = place_of(named, recipe.search) if isinstance(named, str) else None
    if place is not None:
        with _told_of_model(recipe):
            refuse_folder(place, weights=recipe.model.pretrained is not None)


@contextmanager
def _told_of_model(recipe: Recipe) -> Iterator[None]:
    """Tells what is wrong with a model with the line that asks for it."""
    try:
        yield
    except RecipeError:
        raise
    except JepaError as error:
        raise recipe.error(f"model.{'pretrained' if recipe.model.pretrained else 'config'}", str(error)) from error


def _refuse_balance(recipe: Recipe, objective: JepaObjective) -> None:
    """Refuses a mixture of experts whose configuration asks for the load-balancing loss, which is not trained here."""
    if weight := objective.transformer.routers.weight:
        raise recipe.error(
            "model.pretrained" if recipe.model.pretrained else "model.config",
            f"asks for the load-balancing loss of its experts (output_router_logits, router_aux_loss_coef {weight:g}), "
            "which is not trained here: set router_aux_loss_coef: 0",
        )


def _kept(section: ModelSection, weights: Path) -> ModelSection:
    """Puts the folder `weights` in place of the model's source, which may be gone by now; not under LoRA, where it
    holds adapters alone, which still need their pretrained model."""
    if section.pretrained is not None and section.lora is None:
        return section.model_copy(update={"pretrained": str(weights)})
    return section.model_copy(update={"config": str(weights)}) if isinstance(section.config, str) else section


def make_spec(recipe: Recipe, data: TaskData, registry: Registry, config: PreTrainedConfig) -> ObjectiveSpec:
    """Makes the components of a recipe, for a model of this `config`, and puts them together."""
    settings, vocabulary = recipe.objective, data.vocabulary
    context = BuildContext(
        vocabulary=vocabulary,
        width=config.hidden_size,
        num_layers=config.num_hidden_layers,
        k=settings.k,
        seed=recipe.seed,
        search=recipe.search,
        tags=tuple(data.tags),
        groups=tuple(data.groups),
        tokenizer_files=data.tokenizer_files,
    )
    maker = _Maker(recipe, registry, context)
    first = maker.term("objective", settings, settings)
    terms = (first, *(maker.term(f"objective.terms.{i}", term, settings) for i, term in enumerate(settings.terms)))
    needed = {need for term in terms for need in DistanceTraits.of(term.distance).needs}
    wanted = settings.recall_temperature is not None or bool(OF_CANDIDATES & needed)
    several = data.right is not None and bool(OF_RIGHT & needed) and any(term.enabled for term in terms)
    return ObjectiveSpec(
        terms,
        mask=maker.make("mask", "objective.mask", settings.mask),
        pred_ids=vocabulary.pred_ids if settings.distinct_pred else vocabulary.pred_ids * settings.k,
        gamma_ntp=settings.gamma_ntp,
        positions=settings.positions,
        target=target_of(settings.target),
        ntp_detach=settings.ntp_detach,
        recall_temperature=settings.recall_temperature,
        layout=settings.layout,
        seed=recipe.seed,
        groups=tuple(data.groups),
        candidates=data.candidates() if wanted and data.candidates is not None else None,
        right=data.right() if several and data.right is not None else None,
        asked=data.asked,
    )


def target_of(setting: str | EmaTarget) -> Target:
    return setting if isinstance(setting, str) else Ema(setting.ema)  # type: ignore[return-value]


def weight_of(setting: float | WeightSchedule) -> float | Schedule:
    if isinstance(setting, int | float):
        return setting
    return Schedule(setting.start, setting.end, setting.steps, setting.shape)


def create(registry: Registry, recipe: Recipe, key: str, kind: str, reference: ComponentRef, context: object) -> Any:
    """Makes a component; reports what it refuses at the line where the recipe asks for it."""
    with told_at(recipe, key, reference.options):
        try:
            made = registry.create(kind, reference.name, context=context, **reference.options)
        except DataError as error:
            if kind == "dataset":  # which tells where in the data
                raise
            raise ComponentError(f"'{reference.name}' refuses: {error}") from error
        if kind != "dataset" and (words := unfit(kind, made)):
            raise ComponentError(f"'{reference.name}' breaks its contract: {words}")
        return made


@contextmanager
def told_at(recipe: Recipe, key: str, options: Container[str] = ()) -> Iterator[None]:
    """Reports a ComponentError at the line of `key`, or of the one of its `options` that is to blame."""
    try:
        yield
    except ComponentError as error:
        option, words = blamed(str(error), options)
        raise recipe.error(f"{key}.{option}" if option else key, words) from error


class _Maker:
    """Makes the components of a recipe. One named once for both sides is made once, with one set of parameters."""

    def __init__(self, recipe: Recipe, registry: Registry, context: BuildContext):
        self.recipe, self.registry, self.context = recipe, registry, context

    def make(self, kind: str, key: str, reference: ComponentRef) -> Any:
        return create(self.registry, self.recipe, key, kind, reference, self.context)

    def _reversal(self, key: str, reference: ComponentRef, main: ObjectiveSection) -> ReversalStrategy:
        """Makes a reversal strategy. The default one need not fit the data where a recipe makes no views."""
        try:
            made: ReversalStrategy = self.make("reversal", key, reference)
        except JepaError:
            if main.lambda_jepa != 0 or main.terms or reference.name != DEFAULTS["objective", "reversal"]:
                raise
            return no_views
        self._check_leaks(key, reference.name, ReversalTraits.of(made).leaks_on)
        return made

    def _check_leaks(self, key: str, name: str, leaks_on: Iterable[str]) -> None:
        """Refuses a group that the data do not have: it would guard nothing."""
        for group in leaks_on:
            if group not in self.context.groups:
                known = ", ".join(self.context.groups)
                hint = did_you_mean(group, self.context.groups)
                raise self.recipe.error(
                    key, f"'{name}' leaks_on '{group}', which is no group of the data ({known}){hint}"
                )

    def term(self, key: str, term: ObjectiveSection | FurtherTerm, main: ObjectiveSection) -> JepaTerm:
        """Makes a JEPA term; what it leaves out is taken from the `main` one."""

        def chosen(name: str) -> tuple[str, Any]:
            own = getattr(term, name)
            return (f"{key}.{name}", own) if own is not None else (f"objective.{name}", getattr(main, name))

        def made(kind: str) -> Any:
            return self.make(kind, *chosen(kind))

        place, sides = chosen("embedding")
        source = self.make("embedding", place, sides.source)
        target = source if sides.source == sides.target else self.make("embedding", place, sides.target)
        condition = None if sides.condition is None else self.make("embedding", place, sides.condition)
        filters, references = chosen("filters")
        return JepaTerm(
            reversal=self._reversal(*chosen("reversal"), main),
            source=source,
            target=target,
            condition=condition,
            predictor=made("predictor"),
            distance=made("distance"),
            filters=tuple(self.make("filter", f"{filters}.{i}", each) for i, each in enumerate(references)),
            regularizers=tuple(
                (each.name, self.make("regularizer", f"{key}.regularizers.{i}", each))
                for i, each in enumerate(term.regularizers)
            ),
            weight=weight_of(term.lambda_jepa),
            name=getattr(term, "name", "jepa"),
        )
