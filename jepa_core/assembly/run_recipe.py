"""The recipe of a run, and the plugins that it takes to read it here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.assembly.changes import noted
from jepa_core.errors import JepaError, Problem, RecipeError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.load import load_recipe

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.registry import Registry


def run_recipe(folder: RunFolder, registry: Registry, overrides: Sequence[str] = ()) -> Recipe:
    """Reads the resolved recipe of a run. Raises RecipeError, which also names plugins of the run that are missing."""
    try:
        return load_recipe(folder.recipe, overrides, registry)
    except RecipeError as error:
        raise RecipeError([*error.problems, *_missing(folder, registry)]) from error


def _missing(folder: RunFolder, registry: Registry) -> Iterator[Problem]:
    try:
        made_with = noted(folder)
    except JepaError:
        return
    here = {plugin.origin for plugin in registry.plugins}
    for name in _strings(made_with.get("plugin_code")):
        if name not in here:
            yield Problem(str(folder.recipe), "", _advice(name, _strings(made_with.get("search"))))


def _advice(name: str, search: list[str]) -> str:
    """Says how to bring in a missing plugin. search: folders, first the one in which the run was started."""
    if not name.endswith(".py"):
        return f"the run was made with a plugin: install {name}, or add -p {name}"
    there = [path for path in (Path(name), *(Path(each, name) for each in search[:1])) if path.is_file()]
    if there:
        return f"the run was made with a plugin: add --plugin {there[0]}"
    return f"the run was made with a plugin, which is not there now: {name}"


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | dict) else []
