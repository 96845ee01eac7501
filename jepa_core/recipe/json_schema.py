"""JSON Schema of the whole recipe, with every installed component and its options, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from jepa_core.components import KINDS
from jepa_core.errors import ComponentError
from jepa_core.recipe.component_ref import SIDES
from jepa_core.recipe.defaults import COMPONENTS, DEFAULTS
from jepa_core.recipe.schema import Recipe
from jepa_core.registry.options import option_schema

if TYPE_CHECKING:
    from jepa_core.registry import Registry

Schema = dict[str, Any]


class _WithoutTitles(GenerateJsonSchema):
    """A generator without the titles that pydantic makes of names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def recipe_schema(registry: Registry) -> Schema:
    """The schema (draft 2020-12) of a recipe that may use any component of the registry."""
    schema = Recipe.model_json_schema(schema_generator=_WithoutTitles)
    definitions = schema["$defs"]
    homes: dict[tuple[str, ...], Any] = {
        (): schema,
        ("objective",): definitions["ObjectiveSection"],
        ("evaluation",): definitions["EvaluationSection"],
        ("rehearsal",): definitions["RehearsalSection"],
    }
    for path, kind in COMPONENTS.items():
        definitions[kind] = _component_schema(registry, kind)
        properties = homes[path[:-1]]["properties"]
        default = {"default": DEFAULTS[path]} if path in DEFAULTS else {}
        properties[path[-1]] = _place(kind, properties[path[-1]]["description"]) | default
        if path[-1] in (term := definitions["FurtherTerm"]["properties"]):
            own = _place(kind, term[path[-1]]["description"])
            words = {"description": own.pop("description")}
            term[path[-1]] = {"anyOf": [own, {"type": "null"}], **words}  # null: as in the main term
    del definitions["ComponentRef"], definitions["EmbeddingSides"]
    schema["properties"]["resolved"] = {"type": "object", "description": "What a run noted; has no effect."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _place(kind: str, description: str) -> Schema:
    """The schema of a key that holds components of this kind: one, a list, or one a side."""
    one: Schema = {"$ref": f"#/$defs/{kind}"}
    if KINDS[kind].many:
        return {"type": "array", "items": one, "description": description}
    if kind == "embedding":
        sides = dict.fromkeys(SIDES, one)
        both = {
            "type": "object",
            "properties": sides,
            "required": ["source", "target"],
            "additionalProperties": False,
        }
        return {"anyOf": [one, both], "description": description}
    return {**one, "description": description}


def _component_schema(registry: Registry, kind: str) -> Schema:
    """The schema of a component of this kind: a mapping, or a name alone if no option is required."""
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
