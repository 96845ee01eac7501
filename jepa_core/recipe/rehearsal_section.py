"""The ``rehearsal`` section: what a run rehearses after it has learned, and what of the recipe is another then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationError

from jepa_core.errors import did_you_mean
from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.registry.places import dotted
from jepa_core.registry.plain_words import problems_in
from jepa_core.registry.section import Section


class RehearsalSection(Section):
    """A second part of a run: what the model is sure of, though no training sample says it, is trained as well.

    The run first learns, in ``learned/`` in its folder, what the recipe says without this section. Then the asker
    decides what to rehearse, and a second run goes on from the learned weights with these rows too.
    """

    asker: ComponentRef = Field(description="Asks the learned model, and makes training rows of what it is sure of.")
    objective: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the objective that are others while rehearsing."
    )
    training: dict[str, Any] = Field(
        default_factory=dict, description="Keys of the training section that are others while rehearsing."
    )


def overridden(section: Section, given: dict[str, Any]) -> Section:
    """The section with the keys in `given`. Raises pydantic's ValidationError where they do not fit."""
    return type(section).model_validate({**section.model_dump(), **given})


def wrong(section: Section, rehearsal: RehearsalSection, name: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the keys that a section, by its `name`, has while rehearsing: pairs of key and words."""
    given = getattr(rehearsal, name)
    try:
        overridden(section, given)
    except ValidationError as error:
        for path, kind, words in problems_in(error, {**section.model_dump(), **given}):
            unknown = f"unknown key{did_you_mean(str(path[-1]), type(section).model_fields)}"
            yield dotted(("rehearsal", name, *path)), unknown if kind == "extra_forbidden" else words
