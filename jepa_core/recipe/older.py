"""Rewrites recipes from before a change of schema in today's keys.

Each change leaves a sentence about the new key, shown when the recipe is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from jepa_core.errors import ComponentError
from jepa_core.recipe.checks import component_refs
from jepa_core.recipe.component_ref import name_and_options
from jepa_core.recipe.draft import Draft
from jepa_core.registry.places import KeyPath, dotted

if TYPE_CHECKING:
    from jepa_core.registry import Registry

#: stop_gradient -> target
STOPPED = {"none": "same", "target": "stopped"}


def modernise(draft: Draft, registry: Registry) -> list[str]:
    """Rewrites the draft in today's keys; returns a sentence for each change."""
    words = [*_stop_gradient(draft)]
    for path, kind, ref in list(component_refs(draft.data)):
        name, options = name_and_options(ref)
        try:
            factory: Any = registry.find(kind, str(name)).factory
        except ComponentError:
            continue  # told elsewhere
        instead = getattr(factory, "instead", None)
        if instead is not None and (changes := instead(path, options)):
            words += _rewritten(draft, path, f"{kind} '{name}'", changes)
    for section, key, instead in _moved_keys(registry):
        words += _moved(draft, section, key, instead)
    return words


def _stop_gradient(draft: Draft) -> list[str]:
    objective = draft.data.get("objective")
    if not isinstance(objective, dict) or "stop_gradient" not in objective:
        return []
    old = objective.pop("stop_gradient")
    path = ("objective", "stop_gradient")
    if not isinstance(old, str) or old not in STOPPED:
        words = "is now objective.target: same, stopped, frozen or {ema: DECAY}; there is no other side to stop"
        draft.add(path, words)
        return []
    _put(draft, ("objective", "target"), STOPPED[old], path)
    return [f"{draft.places.where(path)}: objective.stop_gradient: {old} is now objective.target: {STOPPED[old]}"]


def _rewritten(draft: Draft, path: KeyPath, what: str, changes: Mapping[KeyPath, Any]) -> list[str]:
    where = draft.places.where(path)
    for place, value in changes.items():
        _put(draft, place, value, path)
    now = ", ".join(f"{dotted(place)}: {_as_yaml(value)}" for place, value in changes.items())
    return [f"{where}: {dotted(path)}: {what} is now written {now}"]


def _as_yaml(value: object) -> str:
    """`value` on one line, as a recipe has it: ``{name: last_token, tag: mask}``."""
    if not isinstance(value, dict | list):
        return str(value)
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()


def _moved_keys(registry: Registry) -> list[tuple[str, str, Any]]:
    """Section, key and component of each key that has become a component, as the components themselves declare."""
    found = []
    for component in registry.describe():
        for dotted_key in getattr(component.factory, "was_key", ()):
            section, _, key = dotted_key.partition(".")
            found.append((section, key, component.name))
    return found


def _moved(draft: Draft, section: str, key: str, name: str) -> list[str]:
    """Replaces a key that was true or false by a component in the section's list ``also``."""
    holder = draft.data.get(section)
    if not isinstance(holder, dict) or not isinstance(holder.get(key), bool):
        return []
    path: KeyPath = (section, key)
    where = draft.places.where(path)
    if not holder.pop(key):
        return [f"{where}: {section}.{key}: false says nothing any more: leave it out"]
    _put(draft, (section, "also"), [*(holder.get("also") or ()), name], path)
    return [f"{where}: {section}.{key}: true is now {section}.also: [{name}]"]


def _put(draft: Draft, path: KeyPath, value: object, like: KeyPath) -> None:
    """Puts `value` at `path`, on the line of the key `like`."""
    holder: Any = draft.data
    for part in path[:-1]:
        holder = holder.setdefault(part, {}) if isinstance(holder, dict) else holder[part]
    holder[path[-1]] = value
    draft.lines[path] = draft.places.line(like)
