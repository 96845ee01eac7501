"""The ``rehearsal`` section: what a run rehearses after learning, and the recipe's keys that change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationError

from jepa_core.errors import did_you_mean
from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.registry.places import KeyPath, dotted
from jepa_core.registry.plain_words import problems_in
from jepa_core.registry.section import Section


class SelfTraining(Section):
    """Rounds of further learning before the rehearsal, with the model's sure answers as if they were data.

    In each round the asker decides anew, and learning goes on from the weights of the round before.
    """

    rounds: int = Field(ge=1, le=20, description="So many times.")
    objective: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the objective that are others in a round."
    )
    training: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the training section that are others in a round."
    )


class RehearsalSection(Section):
    """A second part of a run, which trains also on answers that the model is sure of but no training sample states.

    The run first learns, in ``learned/`` in its folder, by the recipe without this section. Then the asker decides
    what to rehearse, and a second run goes on from the learned weights with these rows too. With rounds of
    self-training ``learned/`` is such a run itself, nested once for each round.
    """

    asker: ComponentRef = Field(description="Asks the learned model, and makes training rows of what it is sure of.")
    objective: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the objective that are others while rehearsing."
    )
    training: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the training section that are others while rehearsing."
    )
    self_training: SelfTraining | None = Field(
        None, description="Rounds of learning on, with what the model is sure of; null: none."
    )

    @property
    def before(self) -> RehearsalSection | None:
        """The rehearsal that learning itself consists of: all rounds of self-training; None without any."""
        own = self.self_training
        if own is None:
            return None
        fewer = None if own.rounds == 1 else own.model_copy(update={"rounds": own.rounds - 1})
        return RehearsalSection(asker=self.asker, objective=own.objective, training=own.training, self_training=fewer)


def overridden(section: Section, given: dict[str, Any]) -> Section:
    """The section with the keys in `given`. Raises pydantic's ValidationError where they do not fit."""
    return type(section).model_validate({**section.model_dump(), **given})


def wrong(section: Section, rehearsal: RehearsalSection, name: str) -> Iterator[tuple[str, str]]:
    """Yields key and words for each change to the section `name` that does not fit, in rehearsal or self-training."""
    yield from _wrong(section, getattr(rehearsal, name), ("rehearsal", name))
    if rehearsal.self_training is not None:
        yield from _wrong(section, getattr(rehearsal.self_training, name), ("rehearsal", "self_training", name))


def _wrong(section: Section, given: dict[str, Any], at: KeyPath) -> Iterator[tuple[str, str]]:
    try:
        overridden(section, given)
    except ValidationError as error:
        for path, kind, words in problems_in(error, {**section.model_dump(), **given}):
            unknown = f"unknown key{did_you_mean(str(path[-1]), type(section).model_fields)}"
            yield dotted((*at, *path)), unknown if kind == "extra_forbidden" else words
