"""References to components in a recipe: ``NAME``, or ``{name: NAME, option: value}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, Field, model_serializer, model_validator

from jepa_core.registry.section import Section

#: The keys under which a recipe may name extractors one by one.
SIDES = ("source", "target", "condition")


def name_and_options(ref: object) -> tuple[Any, dict[str, Any]]:
    """Splits a raw reference, a name or a mapping, into the name, None where it gives none, and the options.

    >>> name_and_options({"name": "cosine", "eps": 1e-6})
    ('cosine', {'eps': 1e-06})
    """
    options = dict(ref) if isinstance(ref, Mapping) else {"name": ref}
    return options.pop("name", None), options


class ComponentRef(Section):
    """A component by name, with the options given for it: ``ComponentRef(name="cosine", eps=1e-6)``."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, description="Name of the component; `jepa-run list` shows them.")

    @property
    def options(self) -> dict[str, Any]:
        """The options given, by name."""
        return dict(self.model_extra or {})

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, value: object) -> object:
        if isinstance(value, str):
            return {"name": value}
        if not isinstance(value, dict | ComponentRef):
            raise ValueError("expected the name of a component, or a mapping with its name and options")
        return value

    @model_serializer
    def plain(self) -> str | dict[str, Any]:
        """The reference as a recipe writes it: ``NAME`` where no option is given, else the mapping."""
        return {"name": self.name, **self.options} if self.options else self.name


class EmbeddingSides(Section):
    """The extractor of each side; one reference in the recipe stands for both sides."""

    source: ComponentRef = Field(description="Extracts the embedding that predicts.")
    target: ComponentRef = Field(description="Extracts the embedding that is predicted.")
    condition: ComponentRef | None = Field(
        None, description="Extracts from the source's view what the predictor depends on besides; null: nothing."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, value: object) -> object:
        sided = isinstance(value, dict) and "name" not in value and set(SIDES) & set(value)
        if sided or isinstance(value, EmbeddingSides):
            return value
        return {"source": value, "target": value}

    def named(self) -> Iterator[tuple[str, ComponentRef]]:
        """Yields dotted place below the key, and reference, of each extractor; a single one for equal sides."""
        if self.source == self.target and self.condition is None:
            yield "", self.source
            return
        yield ".source", self.source
        yield ".target", self.target
        if self.condition is not None:
            yield ".condition", self.condition

    @model_serializer
    def plain(self) -> str | dict[str, Any]:
        """The sides as a recipe writes them: one component where both are the same."""
        if self.source == self.target and self.condition is None:
            return self.source.plain()
        condition = {} if self.condition is None else {"condition": self.condition.plain()}
        return {"source": self.source.plain(), "target": self.target.plain(), **condition}
