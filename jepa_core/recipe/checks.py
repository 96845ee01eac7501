"""Checks of a recipe before anything is built: keys and values, components, plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from jepa_core.components import KINDS
from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.recipe.component_ref import SIDES, name_and_options
from jepa_core.recipe.defaults import COMPONENTS, DEFAULTS
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.meant import meant
from jepa_core.recipe.refused_arguments import REFUSED
from jepa_core.recipe.schema import SECTIONS, Recipe
from jepa_core.registry.options import check_options, refusal
from jepa_core.registry.places import KeyPath, value_at
from jepa_core.registry.plain_words import problems_in

if TYPE_CHECKING:
    from jepa_core.registry import Registry


def check_schema(draft: Draft) -> Recipe | None:
    """The recipe; None after adding each unknown key, wrong value and conflict between keys to the draft."""
    try:
        return Recipe.model_validate(draft.data)
    except ValidationError as error:
        wrong = _add(draft, error)
    try:  # sections with a wrong value have not been looked at as a whole
        Recipe.model_validate(_without(draft.data, wrong))
    except ValidationError as error:
        _add(draft, error)
    return None


def _add(draft: Draft, error: ValidationError) -> list[KeyPath]:
    paths = []
    for path, kind, words in problems_in(error, draft.data):
        draft.add(path, _unknown(path) if kind == "extra_forbidden" else words)
        paths.append(path)
    return paths


def _without(data: dict[str, Any], wrong: list[KeyPath]) -> dict[str, Any]:
    """The data without the section keys in which something is wrong."""
    cut = {path[:2] for path in wrong}
    return {
        name: {key: item for key, item in value.items() if (name, key) not in cut} if isinstance(value, dict) else value
        for name, value in data.items()
        if (name,) not in cut
    }


def _unknown(path: KeyPath) -> str:
    """The message for a key that its section does not have."""
    *parents, key = path
    if parents == ["training"] and key in REFUSED:
        return f"not for a recipe: {REFUSED[str(key)]}"
    known = SECTIONS[tuple(parents)].model_fields if tuple(parents) in SECTIONS else SIDES
    if hint := did_you_mean(str(key), known):
        return f"unknown key{hint}"
    for home, section in SECTIONS.items():
        if home and key in section.model_fields:
            return f"unknown key here; it belongs under '{'.'.join(map(str, home))}'"
    return f"unknown key; known: {', '.join(known)}"


def check_components(draft: Draft, registry: Registry) -> None:
    """Adds every component that is not installed, and every option that it does not take.

    Options of a name that there is not are those of the one that is meant, where that is clear.
    """
    for path, kind, ref in component_refs(draft.data):
        name, options = name_and_options(ref)
        if isinstance(name, str) and name:  # else the schema says so
            try:
                registry.find(kind, name)
            except ComponentError as error:
                draft.add(path if isinstance(ref, str) else (*path, "name"), str(error))
        offers = meant(registry, kind, ref)
        if len(offers) == 1:
            owner = f"'{offers[0].name}' (from {offers[0].distribution})"
            for option, words in check_options(offers[0].factory, options, owner):
                draft.add((*path, *_parts(option, options)), words)


def check_refusals(draft: Draft, registry: Registry) -> None:
    """Adds refusals by components that can be made without a run, where nothing else is wrong with their options."""
    for path, kind, ref in list(component_refs(draft.data)):
        name, options = name_and_options(ref)
        if isinstance(name, str) and options and not draft.wrong_at(path):
            component = registry.find(kind, name)
            option, words = refusal(component.factory, options)
            if words:
                draft.add((*path, option) if option else path, f"'{name}' (from {component.distribution}): {words}")


def component_refs(data: dict[str, Any]) -> Iterator[tuple[KeyPath, str, Any]]:
    """Yields path, kind and raw reference (text or mapping) of every component in a recipe's data, or by default."""
    for path, kind in COMPONENTS.items():
        value = value_at(data, path)
        yield from _refs_at(path, kind, DEFAULTS.get(path) if value is None else value)
    terms = value_at(data, ("objective", "terms"))
    for number, term in enumerate(terms if isinstance(terms, list) else ()):
        yield from _objective_refs(term, ("objective", "terms", number))
    for at in (("rehearsal", "objective"), ("rehearsal", "self_training", "objective")):
        yield from _objective_refs(value_at(data, at), at)


def _objective_refs(section: object, at: KeyPath) -> Iterator[tuple[KeyPath, str, Any]]:
    """Yields the references in a further term, or in a rehearsal's changes to the objective. at: its path."""
    for (home, *key), kind in COMPONENTS.items():
        value = value_at(section, tuple(key)) if home == "objective" else None
        if value is not None:
            yield from _refs_at((*at, *key), kind, value)


def _refs_at(path: KeyPath, kind: str, value: object) -> Iterator[tuple[KeyPath, str, Any]]:
    for below, ref in _single_refs(kind, value):
        if isinstance(ref, str | dict):
            yield (*path, *below), kind, ref


def _single_refs(kind: str, value: object) -> Iterator[tuple[KeyPath, Any]]:
    if KINDS[kind].many:
        yield from (((number,), ref) for number, ref in enumerate(value if isinstance(value, list | tuple) else ()))
    elif kind == "embedding" and isinstance(value, dict) and "name" not in value:
        yield from (((side,), value[side]) for side in SIDES if side in value)
    else:
        yield (), value


def _parts(option: str, options: dict[str, Any]) -> KeyPath:
    """Turns an option's dotted place into a path; an option's name may itself hold dots."""
    if option in options or "." not in option:
        return (option,)
    return tuple(int(part) if part.isdecimal() else part for part in option.split("."))


def check_plugins(draft: Draft, registry: Registry) -> None:
    """Adds every required distribution that is not installed, or whose plugin is broken."""
    required = draft.data.get("plugins")
    installed = {canonicalize_name(name): name for name in registry.distributions()}
    broken = {canonicalize_name(record.plugin.distribution): record for record in registry.broken}
    for number, name in enumerate(required if isinstance(required, list) else ()):
        if not isinstance(name, str):
            continue  # the schema says so
        if record := broken.get(canonicalize_name(name)):
            words = f"the plugin {record.plugin.name} is broken: {record.cause}"
            draft.add(("plugins", number), f"{words}; taken out here, the recipe does without it")
        elif canonicalize_name(name) not in installed:
            hint = did_you_mean(name, installed.values())
            draft.add(("plugins", number), f"the required plugin '{name}' is not installed{hint}")
