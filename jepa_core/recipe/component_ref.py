"""How a recipe names a component: ``NAME``, or ``{name: NAME, option: value}``."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, model_serializer, model_validator

from jepa_core.recipe.section import Section


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
    def _from_recipe(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if not isinstance(value, dict | ComponentRef):
            raise ValueError("expected the name of a component, or a mapping with its name and options")
        return value

    @model_serializer
    def plain(self) -> str | dict[str, Any]:
        """The way back: ``NAME`` where no option is given, else the mapping."""
        return {"name": self.name, **self.options} if self.options else self.name


class EmbeddingSides(Section):
    """The extractor of each side; one reference in the recipe stands for both sides."""

    source: ComponentRef = Field(description="Extracts the embedding that predicts.")
    target: ComponentRef = Field(description="Extracts the embedding that is predicted.")

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, value: Any) -> Any:
        sided = isinstance(value, dict) and "name" not in value and {"source", "target"} & set(value)
        if sided or isinstance(value, EmbeddingSides):
            return value
        return {"source": value, "target": value}

    @model_serializer
    def plain(self) -> str | dict[str, Any]:
        """The way back: one component where both sides are the same."""
        if self.source == self.target:
            return self.source.plain()
        return {"source": self.source.plain(), "target": self.target.plain()}
