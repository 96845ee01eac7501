"""Overrides of a recipe's values: ``objective.k=2 objective.distance.eps=1e-6``."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from jepa_core.components import KINDS
from jepa_core.errors import RecipeError
from jepa_core.recipe.component_ref import SIDES
from jepa_core.recipe.defaults import COMPONENTS, DEFAULTS
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.strict_yaml import parse_yaml
from jepa_core.registry.places import KeyPath, dotted
from jepa_core.registry.plain_words import describe_value


class _Mistake(Exception):
    """An override that cannot be applied."""


def apply_overrides(draft: Draft, overrides: Sequence[str]) -> None:
    """Sets each ``key=value`` in the draft; one that makes no sense becomes a problem of the command line."""
    for override in overrides:
        key, equals, text = override.partition("=")
        try:
            if not equals or not key:
                raise _Mistake("expected KEY=VALUE, like objective.k=2")
            path = _set(draft.data, key, _value(text))
        except _Mistake as mistake:
            draft.add_to_command_line(key, str(mistake))
        else:
            draft.override(path)


def _value(text: str) -> Any:
    """The value of an override, read as strictly as the file.

    >>> [_value(text) for text in ("2", "1e-3", "l2", "[train, test]", "{name: cosine, eps: 1e-6}", "null")]
    [2, 0.001, 'l2', ['train', 'test'], {'name': 'cosine', 'eps': 1e-06}, None]
    """
    if not text.strip():
        raise _Mistake("nothing after '='; write null, or '' for an empty text")
    try:
        document = parse_yaml(text, "")
    except RecipeError as error:
        raise _Mistake(error.problems[0].message) from error
    for problem in document.problems:
        raise _Mistake(problem.message)
    return document.data


def _set(data: dict[str, Any], key: str, value: object) -> KeyPath:
    """Sets the value at a dotted key, creates missing parents, and returns its path."""
    path: KeyPath = ()
    parts = key.split(".")
    holder: Any = data
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        step = _step(holder, part, path)
        path = (*path, step)
        if after is None:
            holder[step] = value
        else:
            holder[step] = _opened(_at(holder, step, path), after, path)
            holder = holder[step]
    return path


def _step(holder: Any, part: str, path: KeyPath) -> str | int:
    """The key or item number that `part` means in `holder`."""
    if isinstance(holder, dict):
        return part
    if not part.isdecimal() or int(part) >= len(holder):
        numbers = ", ".join(map(str, range(len(holder)))) or "no items"
        raise _Mistake(f"'{dotted(path)}' is a list: expected an item's number ({numbers}), not '{part}'")
    return int(part)


#: The places where a recipe lists components.
LISTS = [path for path, kind in COMPONENTS.items() if KINDS[kind].many]


def _at(holder: Any, step: str | int, path: KeyPath) -> object:
    """The value at `step`, or its default."""
    value = holder.get(step) if isinstance(holder, dict) else holder[step]
    return copy.deepcopy(DEFAULTS.get(path, {})) if value is None else value


def _opened(value: Any, after: str, path: KeyPath) -> dict[str, Any] | list[Any]:
    """`value` as something that has the key `after`: a component's NAME becomes ``{name: NAME}``."""
    if path[-1:] == ("embedding",) and after in SIDES:
        sided = isinstance(value, dict) and "name" not in value
        return value if sided else {"source": value, "target": copy.deepcopy(value)}  # condition: none yet
    if isinstance(value, str) and _names_component(path):
        return {"name": value}
    if not isinstance(value, dict | list):
        raise _Mistake(f"'{dotted(path)}' is {describe_value(value)}, it has no keys")
    return value


def _names_component(path: KeyPath) -> bool:
    """Tells whether a recipe names a component here: directly, as an item of a list, or as a side."""
    if path[:2] == ("objective", "terms"):
        path = ("objective", *path[3:])
    return path in COMPONENTS or path[:-1] in LISTS or path[:-1] == ("objective", "embedding")
