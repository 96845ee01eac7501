"""The recipe's section ``objective``: the loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jepa_core.recipe.component_ref import ComponentRef, EmbeddingSides
from jepa_core.recipe.defaults import DEFAULTS, component_field
from jepa_core.recipe.training_section import Positive, Rate
from jepa_core.registry.section import Conflict, Section


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


class ObjectiveSection(Section):
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
        "target states, weighted by softmax(cosine with what is predicted from the question / temperature).",
    )
    layout: Literal["auto", "packed", "rows", "flat"] = Field(
        "auto", description="How blocks share rows; never changes the loss. auto takes the fastest that fits."
    )
    reversal: ComponentRef = component_field("objective", "reversal", description="Makes the views of a sample.")
    mask: ComponentRef = component_field("objective", "mask", description="Which token may attend to which.")
    embedding: EmbeddingSides = Field(
        default_factory=lambda: EmbeddingSides.model_validate(DEFAULTS["objective", "embedding"]),
        description="From a view's hidden states to one vector, for both sides or as {source: …, target: …}.",
    )
    distance: ComponentRef = component_field(
        "objective", "distance", description="How far the predicted embedding is from its target."
    )
    predictor: ComponentRef = component_field(
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
    def _go_together(self) -> ObjectiveSection:
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
