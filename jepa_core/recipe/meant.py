"""Guesses the component meant where a recipe names none, or one that is not there, so that the rest is checked too."""

from __future__ import annotations

from difflib import get_close_matches

from jepa_core.errors import ComponentError
from jepa_core.recipe.component_ref import name_and_options
from jepa_core.registry import Component, Registry
from jepa_core.registry.options import option_types


def meant(registry: Registry, kind: str, ref: object) -> list[Component]:
    """The component of this name; else the one with a name close to it; else those that take most of the options.

    ref: as a recipe has it, a name or a mapping of name and options. What holds for all of them can be said.
    """
    name, options = name_and_options(ref)
    known = registry.names(kind)
    if isinstance(name, str) and name not in known:
        name = next(iter(get_close_matches(name, known, n=1)), None)
    if isinstance(name, str):
        return _found(registry, kind, name)
    offers = [component for each in known for component in _found(registry, kind, each)]
    taken = [len(options.keys() & option_types(component.factory).keys()) for component in offers]
    return [component for component, count in zip(offers, taken, strict=True) if count == max(taken)] if options else []


def _found(registry: Registry, kind: str, name: str) -> list[Component]:
    try:
        return [registry.find(kind, name)]
    except ComponentError:  # two plugins offer it: told elsewhere
        return []
