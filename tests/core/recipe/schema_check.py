"""The part of JSON Schema that the recipe's schema uses, as a slow and plain check."""

from __future__ import annotations

import re
from typing import Any

_TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}
_BOUNDS = {
    "minimum": lambda v, bound: v >= bound,
    "maximum": lambda v, bound: v <= bound,
    "exclusiveMinimum": lambda v, bound: v > bound,
    "exclusiveMaximum": lambda v, bound: v < bound,
    "minLength": lambda v, bound: len(v) >= bound,
    "minItems": lambda v, bound: len(v) >= bound,
    "const": lambda v, const: v == const,
    "enum": lambda v, choices: v in choices,
    "pattern": lambda v, pattern: re.search(pattern, v) is not None,
}
_SAID = {
    "description",
    "default",
    "title",
    "$schema",
    "$defs",
    "$ref",
    "format",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "oneOf",
}


def valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    assert not set(schema) - _SAID - set(_BOUNDS), f"teach this check {set(schema) - _SAID - set(_BOUNDS)}"
    if "$ref" in schema and not valid(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root):
        return False
    if "type" in schema and not _TYPES[schema["type"]](value):
        return False
    if "anyOf" in schema and not any(valid(value, choice, root) for choice in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(valid(value, choice, root) for choice in schema["oneOf"]) != 1:
        return False
    if not all(_BOUNDS[key](value, bound) for key, bound in schema.items() if key in _BOUNDS):
        return False
    if isinstance(value, list):
        return all(valid(item, schema.get("items", {}), root) for item in value)
    return not isinstance(value, dict) or _valid_object(value, schema, root)


def _valid_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    if not set(schema.get("required", ())) <= set(value):
        return False
    if schema.get("additionalProperties") is False and not set(value) <= set(properties):
        return False
    return all(valid(item, properties.get(key, {}), root) for key, item in value.items())
