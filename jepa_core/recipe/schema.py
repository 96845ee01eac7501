"""The recipe: its sections, their keys, defaults and meanings.

Importing this costs neither torch nor transformers nor any plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from jepa_core.errors import JepaError, Problem, RecipeError, show
from jepa_core.paths import at_home
from jepa_core.recipe.abridged import as_table, in_a_line
from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.recipe.defaults import component_field
from jepa_core.recipe.model_section import LoraSection, ModelSection
from jepa_core.recipe.objective_section import FurtherTerm, ObjectiveSection
from jepa_core.recipe.rehearsal_section import RehearsalSection, SelfTraining, overridden, wrong
from jepa_core.recipe.training_section import AtOnce, FsdpSection, TrainingSection
from jepa_core.registry.places import KeyPath, Places
from jepa_core.registry.section import Conflict, Section


def _section(section: type[Section]) -> Any:
    return Field(default_factory=lambda: section.model_validate({}), description=str(section.__doc__))


class EvaluationSection(Section):
    """Measurements after training, and every training.eval_steps."""

    splits: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="Evaluation sets of the dataset, by name; null: all of them."
    )
    per_layer: bool = Field(False, description="Every metric for every layer, through final norm and output embedding.")
    also: Annotated[tuple[ComponentRef, ...], Field(strict=False)] = Field(
        (), description="Further evaluations of every set."
    )
    batch_size: AtOnce = Field(512, description="Samples evaluated at once; never changes a metric.")

    @model_validator(mode="after")
    def _once_each(self) -> EvaluationSection:
        if self.splits is not None and len(set(self.splits)) < len(self.splits):
            raise Conflict(("splits", "names a split twice"))
        return self


class Recipe(Section):
    """One experiment: data, model, objective, training and evaluation."""

    description: str = Field("", description="What the recipe shows, for people.")
    seed: int = Field(42, ge=0, lt=2**32, description="Of weights, sample order, generated data and filters.")
    output_dir: Annotated[str, AfterValidator(at_home)] = Field(
        "runs/recipe", min_length=1, description="Folder of the run; left out: runs/ and the recipe's name."
    )
    plugins: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="Distributions that have to be installed because the recipe uses their components."
    )
    data: ComponentRef = component_field("data", description="The dataset.")
    model: ModelSection = _section(ModelSection)
    objective: ObjectiveSection = _section(ObjectiveSection)
    training: TrainingSection = _section(TrainingSection)
    evaluation: EvaluationSection = _section(EvaluationSection)
    rehearsal: RehearsalSection | None = Field(
        None, description="What to rehearse after learning, from what the model is sure of by then; null: nothing."
    )

    _source_path: Path | None = PrivateAttr(None)
    _places: Places = PrivateAttr(Places("recipe", {}))
    _noted_search: tuple[Path, ...] = PrivateAttr(())
    _shipped: tuple[Path, ...] = PrivateAttr(())
    _older: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _can_rehearse(self) -> Recipe:
        if self.rehearsal is not None:
            both = {"objective": self.objective, "training": self.training}
            found = [problem for name, section in both.items() for problem in wrong(section, self.rehearsal, name)]
            if found:
                raise Conflict(*found)
        return self

    def while_rehearsing(self, name: Literal["objective", "training"]) -> Section:
        """The section as it is while rehearsing."""
        section: Section = getattr(self, name)
        return section if self.rehearsal is None else overridden(section, getattr(self.rehearsal, name))

    def __repr__(self) -> str:
        name = self._source_path.stem if self._source_path else "recipe"
        return f"Recipe({name}: {in_a_line(self.model_dump())}, to {self.output_dir})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return as_table(repr(self), self.model_dump())

    @property
    def source_path(self) -> Path | None:
        """The file that the recipe was loaded from."""
        return self._source_path

    @property
    def older(self) -> tuple[str, ...]:
        """A sentence for each key that was written in an older way."""
        return self._older

    @property
    def search(self) -> tuple[Path, ...]:
        """Folders in which data files are looked for: the current one, then the recipe's.

        A run's resolved recipe looks first where the run itself did, so that it means the same files wherever it is
        read. The shipped recipes' folder comes last, for copies of them.
        """
        return search_folders(self._source_path, self._noted_search, self._shipped)

    def components(self) -> Iterator[tuple[str, str, ComponentRef]]:
        """Yields key, kind and reference of every component; a single one where both sides are the same."""
        objective = self.objective
        yield "data", "dataset", self.data
        yield "objective.mask", "mask", objective.mask
        yield from _term_components("objective", objective)
        for number, term in enumerate(objective.terms):
            yield from _term_components(f"objective.terms.{number}", term)
        for number, ref in enumerate(self.evaluation.also):
            yield f"evaluation.also.{number}", "evaluation", ref
        if self.rehearsal is not None:
            yield "rehearsal.asker", "rehearsal", self.rehearsal.asker

    def error(self, key: str, message: str) -> RecipeError:
        """Makes an error that names the line of `key`, for problems that show only later."""
        path = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        return RecipeError([Problem(self._places.where(path), key, message)])


def refuse_no_recipe(value: object) -> None:
    """Raises JepaError for anything but a recipe, such as the name of one."""
    if not isinstance(value, Recipe):
        raise JepaError(f"expected a recipe, as jepa_core.load_recipe gives it, not {show(value)}")


def search_folders(source: Path | None, noted: tuple[Path, ...], shipped: tuple[Path, ...]) -> tuple[Path, ...]:
    """See :attr:`Recipe.search`. source: the recipe's file."""
    return (*noted, Path(), *([source.parent] if source else []), *shipped)


def _term_components(key: str, term: ObjectiveSection | FurtherTerm) -> Iterator[tuple[str, str, ComponentRef]]:
    for kind in ("reversal", "predictor", "distance"):
        if (ref := getattr(term, kind)) is not None:
            yield f"{key}.{kind}", kind, ref
    if term.embedding is not None:
        yield from ((f"{key}.embedding{side}", "embedding", ref) for side, ref in term.embedding.named())
    for name, kind in (("regularizers", "regularizer"), ("filters", "filter")):
        for number, ref in enumerate(getattr(term, name) or ()):
            yield f"{key}.{name}.{number}", kind, ref


#: Sections that have keys of their own.
SECTIONS: dict[KeyPath, type[Section]] = {
    (): Recipe,
    ("model",): ModelSection,
    ("model", "lora"): LoraSection,
    ("objective",): ObjectiveSection,
    ("training",): TrainingSection,
    ("training", "fsdp_config"): FsdpSection,
    ("evaluation",): EvaluationSection,
    ("rehearsal",): RehearsalSection,
    ("rehearsal", "self_training"): SelfTraining,
}
