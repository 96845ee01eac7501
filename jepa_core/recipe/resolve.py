"""The recipe with nothing left out, its YAML, and how two of them differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.recipe.scalars import BASED, FLOAT
from jepa_core.recipe.schema import Recipe
from jepa_core.registry.options import option_defaults
from jepa_core.registry.places import KeyPath, dotted

if TYPE_CHECKING:
    from jepa_core.registry import Registry

#: Keys that two recipes of the same experiment may differ in.
_BESIDE_THE_POINT = ("description", "output_dir", "resolved")


def resolved(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """The recipe as plain data with every default filled in, those of components too."""
    data = _as_read(recipe.model_dump())
    if recipe.rehearsal is None:  # so that a run from before there were rehearsals goes on
        del data["rehearsal"]
    if not recipe.training.fsdp:  # the same
        del data["training"]["fsdp"], data["training"]["fsdp_config"]
    for key, kind, ref in recipe.components():
        *parents, last = (int(part) if part.isdecimal() else part for part in key.split("."))
        holder: Any = data
        for part in parents:
            holder = holder[part]
        holder[last] = _filled_in(ref, registry.find(kind, ref.name).factory)
    return data


def _as_read(value: object) -> Any:
    """`value` as a YAML file would give it: lists, no tuples."""
    if isinstance(value, dict):
        return {key: _as_read(item) for key, item in value.items()}
    return [_as_read(item) for item in value] if isinstance(value, list | tuple) else value


def _filled_in(ref: ComponentRef, factory: Any) -> str | dict[str, Any]:
    options = {**option_defaults(factory), **ref.options}
    return ComponentRef(name=ref.name, **options).plain()


def dump_yaml(data: dict[str, Any]) -> str:
    """Writes `data` as YAML that reads back the same under YAML 1.1 and this project's strict reader, in order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def in_line(value: object) -> str:
    """Writes a value on one line, as a recipe may have it.

    >>> in_line({"name": "huber", "delta": None}), in_line([]), in_line(0.5)
    ('{name: huber, delta: null}', '[]', '0.5')
    """
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    options: dict[str, Any] = {"default_flow_style": True, "width": float("inf")}
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **options)).strip()


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2 reads as a number too, and never writes aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_NUMBER = re.compile(f"(?:{BASED.pattern}|{FLOAT.pattern})$")
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("+-.0123456789"))


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """The dotted keys in which two resolved recipes differ, leaving out those that change no result."""
    return [dotted(path) for path in _differing(a, b, ()) if path[0] not in _BESIDE_THE_POINT]


def _differing(a: object, b: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        a, b = dict(enumerate(a)), dict(enumerate(b))
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            if key in a and key in b:
                yield from _differing(a[key], b[key], (*path, key))
            else:
                yield (*path, key)
    elif a != b or isinstance(a, bool) != isinstance(b, bool):
        yield path
