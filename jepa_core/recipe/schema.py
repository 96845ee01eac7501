"""The recipe: its sections, their keys, defaults and meanings.

Importing this costs neither torch nor transformers nor any plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from jepa_core.components import KINDS
from jepa_core.errors import Problem, RecipeError
from jepa_core.paths import at_home
from jepa_core.recipe.component_ref import ComponentRef, EmbeddingSides
from jepa_core.recipe.training_section import AtOnce, Positive, Rate, Training
from jepa_core.registry.places import KeyPath, Places
from jepa_core.registry.section import Conflict, Section

#: Where a recipe names components: key path -> kind. Some are lists of them.
COMPONENTS: dict[tuple[str, ...], str] = {tuple(kind.key.split(".")): name for name, kind in KINDS.items()}

#: What stands there when the recipe says nothing.
DEFAULTS: dict[KeyPath, Any] = {
    ("data",): "reversal_curse",
    ("model", "config"): {"model_type": "gpt2", "n_layer": 2, "n_embd": 128, "n_head": 4},
    ("objective", "reversal"): "parity",
    ("objective", "mask"): "block_causal",
    ("objective", "embedding"): "last_token",
    ("objective", "predictor"): "identity",
    ("objective", "distance"): "cosine",
    ("objective", "regularizers"): [],
    ("objective", "filters"): ["sample_type", {"name": "loss_dropout", "rate": 0.0}],
    ("evaluation", "also"): [],
}


def _component(*path: str, description: str) -> Any:
    return Field(default_factory=lambda: ComponentRef.model_validate(DEFAULTS[path]), description=description)


def _section(section: type[Section]) -> Any:
    return Field(default_factory=lambda: section.model_validate({}), description=str(section.__doc__))


class ModelSection(Section):
    """The language model: made new from a configuration, or a pretrained one."""

    config: dict[str, Any] | None = Field(
        None,
        description="model_type and more keys of a transformers configuration; the data sets vocab_size.",
    )
    pretrained: Annotated[str, AfterValidator(at_home)] | None = Field(
        None, min_length=1, description="Folder or Hugging Face id of a causal LM to start from."
    )
    attn_implementation: Literal["sdpa", "eager"] = Field(
        "sdpa", description="Attention kernel; eager is slower and takes the same masks."
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="Type of the weights; for mixed precision keep float32 and set training.bf16."
    )

    @model_validator(mode="before")
    @classmethod
    def _default_config(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("config") is None and data.get("pretrained") is None:
            return {**data, "config": dict(DEFAULTS["model", "config"])}
        return data

    @model_validator(mode="after")
    def _one_of_both(self) -> ModelSection:
        if self.config is not None and self.pretrained is not None:
            raise Conflict(("pretrained", "give either config or pretrained, the other null"))
        return self


class WeightSchedule(Section):
    """A weight that changes over the steps: from start at step 0 to end at step `steps`, and end after it."""

    start: Rate = Field(description="At the first step.")
    end: Rate = Field(description="At step `steps` and after it.")
    steps: Positive = Field(description="Optimizer steps.")
    shape: Literal["linear", "cosine", "step"] = Field("linear", description="The way from start to end.")


class EmaTarget(Section):
    """A target encoder that follows the model."""

    ema: float = Field(ge=0, lt=1, description="Share of the average that is kept at each step.")


class FurtherTerm(Section):
    """One more JEPA loss, with a name of its own."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="In logs and metrics.")
    lambda_jepa: Rate | WeightSchedule = Field(1.0, description="Its weight, or the schedule of it.")
    reversal: ComponentRef | None = Field(None, description="Makes the views of a sample.")
    embedding: EmbeddingSides | None = Field(None, description="From a view's hidden states to one vector.")
    predictor: ComponentRef | None = Field(None, description="From the source's embedding towards the target's.")
    distance: ComponentRef | None = Field(None, description="How far the predicted embedding is from its target.")
    regularizers: Annotated[tuple[ComponentRef, ...], Field(strict=False)] = Field(
        (), description="Keep its embeddings from collapsing."
    )
    filters: Annotated[tuple[ComponentRef, ...], Field(strict=False)] | None = Field(
        None, description="Which samples pay it."
    )


class Objective(Section):
    """The loss: gamma_ntp * ntp + lambda_jepa * jepa."""

    k: int = Field(1, ge=0, le=4096, description="Predictor tokens after each sample's last token; in every row.")
    distinct_pred: bool = Field(False, description="k different predictor tokens, not k times the same.")
    lambda_jepa: Rate | WeightSchedule = Field(
        1.0,
        description="Weight of the JEPA loss, or {start, end, steps, shape} of a schedule; 0: no second view is made.",
    )
    gamma_ntp: Rate = Field(1.0, description="Weight of the next-token loss.")
    positions: Literal["continue", "restart", "none"] = Field(
        "continue",
        description="Position ids of a second view: go on after the first, begin at 0 again, or all 0.",
    )
    target: Literal["same", "stopped", "frozen"] | EmaTarget = Field(
        "same",
        description="The encoder of the targets: the model itself, the model without gradient, a frozen copy of it as "
        "it starts, or {ema: DECAY}, a moving average of it.",
    )
    ntp_detach: int | None = Field(
        None, ge=1, description="The next-token loss trains only what comes after this layer; null: everything."
    )
    recall_temperature: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="After layer ntp_detach the state where the answer belongs becomes the mean of all candidates' "
        "target states, weighted by softmax(cosine with what is predicted from the question / temperature); null: stays.",
    )
    layout: Literal["auto", "packed", "rows"] = Field(
        "auto", description="How blocks share rows; never changes the loss. auto takes the fastest that fits."
    )
    reversal: ComponentRef = _component("objective", "reversal", description="Makes the views of a sample.")
    mask: ComponentRef = _component("objective", "mask", description="Which token may attend to which.")
    embedding: EmbeddingSides = Field(
        default_factory=lambda: EmbeddingSides.model_validate(DEFAULTS["objective", "embedding"]),
        description="From a view's hidden states to one vector, for both sides or as {source: …, target: …}.",
    )
    distance: ComponentRef = _component(
        "objective", "distance", description="How far the predicted embedding is from its target."
    )
    predictor: ComponentRef = _component(
        "objective", "predictor", description="From the source's embedding, and a condition, towards the target's."
    )
    regularizers: Annotated[tuple[ComponentRef, ...], Field(strict=False)] = Field(
        (), description="Keep the embeddings from collapsing; each has a weight of its own."
    )
    filters: Annotated[tuple[ComponentRef, ...], Field(strict=False)] = Field(
        default_factory=lambda: tuple(map(ComponentRef.model_validate, DEFAULTS["objective", "filters"])),
        description="Which samples pay the JEPA loss: each filter narrows what the ones before it left.",
    )

    terms: Annotated[tuple[FurtherTerm, ...], Field(strict=False)] = Field(
        (), description="Further JEPA losses beside this one; what a term leaves out is as in this one."
    )

    @model_validator(mode="after")
    def _go_together(self) -> Objective:
        problems = []
        if self.distinct_pred and self.k == 0:
            problems.append(("distinct_pred", "has no effect with k: 0"))
        if self.recall_temperature is not None and self.ntp_detach is None:
            problems.append(("recall_temperature", "needs ntp_detach, the layer after which to recall"))
        names = ["ntp", "jepa", *(term.name for term in self.terms)]
        problems += [
            (f"terms.{i}.name", f"'{term.name}' names a term already")
            for i, term in enumerate(self.terms)
            if names.index(term.name) < i + 2
        ]
        if self.lambda_jepa == 0 and self.gamma_ntp == 0 and not self.terms:
            problems.append(("lambda_jepa", "lambda_jepa and gamma_ntp are both 0: nothing to train"))
        if problems:
            raise Conflict(*problems)
        return self


class Evaluation(Section):
    """What is measured after training, and every training.eval_steps."""

    splits: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="Evaluation sets of the dataset, by name; null: all of them."
    )
    per_layer: bool = Field(False, description="Every metric for every layer, through final norm and output embedding.")
    also: Annotated[tuple[ComponentRef, ...], Field(strict=False)] = Field(
        (), description="Further evaluations of every set."
    )
    batch_size: AtOnce = Field(512, description="Samples evaluated at once; never changes a metric.")

    @model_validator(mode="after")
    def _once_each(self) -> Evaluation:
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
    data: ComponentRef = _component("data", description="The dataset.")
    model: ModelSection = _section(ModelSection)
    objective: Objective = _section(Objective)
    training: Training = _section(Training)
    evaluation: Evaluation = _section(Evaluation)

    _source_path: Path | None = PrivateAttr(None)
    _places: Places = PrivateAttr(Places("recipe", {}))
    _noted_search: tuple[Path, ...] = PrivateAttr(())
    _shipped: tuple[Path, ...] = PrivateAttr(())
    _older: tuple[str, ...] = PrivateAttr(())

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

        Those of the recipe that a run's resolved one was made of come first: it means the files that the run read,
        wherever it is read. The shipped recipes' folder comes last, for copies of them.
        """
        own = (Path(), self._source_path.parent) if self._source_path else (Path(),)
        return (*self._noted_search, *own, *self._shipped)

    def components(self) -> Iterator[tuple[str, str, ComponentRef]]:
        """Key, kind and reference of every component, one for both sides where these are the same."""
        objective = self.objective
        yield "data", "dataset", self.data
        yield "objective.mask", "mask", objective.mask
        yield from _term_components("objective", objective)
        for number, term in enumerate(objective.terms):
            yield from _term_components(f"objective.terms.{number}", term)
        for number, ref in enumerate(self.evaluation.also):
            yield f"evaluation.also.{number}", "evaluation", ref

    def error(self, key: str, message: str) -> RecipeError:
        """For what turns out wrong later: an error that names the line of `key`."""
        path = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        return RecipeError([Problem(self._places.where(path), key, message)])


def _term_components(key: str, term: Objective | FurtherTerm) -> Iterator[tuple[str, str, ComponentRef]]:
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
    ("objective",): Objective,
    ("training",): Training,
    ("evaluation",): Evaluation,
}
