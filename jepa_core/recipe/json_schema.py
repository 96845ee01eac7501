"""JSON Schema of the whole recipe, with every installed component and its options, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from jepa_core.errors import ComponentError
from jepa_core.recipe.schema import COMPONENTS, DEFAULTS, Objective, Recipe
from jepa_core.registry.options import option_schema

if TYPE_CHECKING:
    from jepa_core.registry import Registry

Schema = dict[str, Any]


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def recipe_schema(registry: Registry) -> Schema:
    """The schema (draft 2020-12) of a recipe that may use any component of the registry."""
    schema = Recipe.model_json_schema(schema_generator=_WithoutTitles)
    definitions = schema["$defs"]
    for path, kind in COMPONENTS.items():
        definitions[kind] = _component_schema(registry, kind)
        properties = (schema if len(path) == 1 else definitions[Objective.__name__])["properties"]
        known = properties[path[-1]]
        properties[path[-1]] = {
            **_place_schema(kind),
            "description": known["description"],
            "default": DEFAULTS[path],
        }
    del definitions["ComponentRef"], definitions["EmbeddingSides"]
    schema["properties"]["resolved"] = {"type": "object", "description": "What a run noted; has no effect."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _place_schema(kind: str) -> Schema:
    """What may stand where a recipe names components of this kind."""
    one: Schema = {"$ref": f"#/$defs/{kind}"}
    if kind == "filter":
        return {"type": "array", "items": one}
    if kind == "embedding":
        sides = {"source": one, "target": one}
        both = {"type": "object", "properties": sides, "required": [*sides], "additionalProperties": False}
        return {"anyOf": [one, both]}
    return one


def _component_schema(registry: Registry, kind: str) -> Schema:
    """A component of this kind: a name alone, where no option is required, or a mapping."""
    names, mappings = [], []
    for name in registry.names(kind):
        try:
            component = registry.find(kind, name)
        except ComponentError:  # two plugins claim the name: no recipe can use it
            continue
        schema = option_schema(component.factory)
        if not schema["required"]:
            names.append({"const": name, "description": component.summary})
        schema["properties"] = {"name": {"const": name}, **schema["properties"]}
        schema["required"] = ["name", *schema["required"]]
        mappings.append({**schema, "description": component.summary})
    return {"oneOf": [*names, *mappings]}
