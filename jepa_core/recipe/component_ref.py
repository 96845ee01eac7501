"""How a recipe names a component: ``NAME``, or ``{name: NAME, option: value}``."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_serializer, model_validator

from jepa_core.recipe.section import Section


class ComponentRef(Section):
    """A component by name, with the options given for it."""

    name: str = Field(min_length=1, description="Name of the component; `jepa-run list` shows them.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options given in the recipe.")

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, value: Any) -> Any:
        """From ``NAME`` or ``{name: NAME, option: value}``, the two ways to write it."""
        if isinstance(value, str):
            return {"name": value}
        if not isinstance(value, dict):
            raise ValueError("expected the name of a component, or a mapping with its name and options")
        name = {"name": value["name"]} if "name" in value else {}
        return {**name, "options": {key: item for key, item in value.items() if key != "name"}}

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
        """From one component for both sides, or from ``{source: …, target: …}``."""
        sided = isinstance(value, dict) and "name" not in value and {"source", "target"} & set(value)
        return value if sided else {"source": value, "target": value}

    @model_serializer
    def plain(self) -> str | dict[str, Any]:
        """The way back: one component where both sides are the same."""
        if self.source == self.target:
            return self.source.plain()
        return {"source": self.source.plain(), "target": self.target.plain()}
