"""``jepa-run validate``, ``cp`` and ``schema``: working on recipes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.options import Modules, Overrides, PluginFiles, RecipeArgument, make_registry
from jepa_core.errors import JepaError, did_you_mean
from jepa_core.streams import only_results_on_stdout, plain


def validate(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    modules: Modules = None,
    plugin_files: PluginFiles = None,
) -> None:
    """Check a recipe and name everything that is wrong in it, with file and line. Exit status 2 if so."""
    from jepa_core.recipe.cautions import cautions
    from jepa_core.recipe.load import load_recipe
    from jepa_core.recipe.sources import find_recipe
    from jepa_core.recipe.trackers import refuse_missing_trackers

    path = find_recipe(recipe)  # before the plugins, whose import takes seconds
    loaded = load_recipe(path, overrides or (), registry=make_registry(modules, plugin_files))
    refuse_missing_trackers(loaded)
    for warning in cautions(loaded, loaded.training.max_steps):
        typer.echo(plain(warning), err=True)
    typer.echo(plain(f"{recipe}: valid"))


def cp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe that jepa-core ships.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to put the copy; must not exist yet.")],
) -> None:
    """Copy a shipped recipe, to make it your own."""
    from jepa_core.recipe.sources import shipped_recipes

    recipes = shipped_recipes()
    if name not in recipes:
        raise JepaError(f"no shipped recipe is called '{name}'{did_you_mean(name, recipes)}")
    target = file / f"{name}.yaml" if file.is_dir() else file
    if os.path.lexists(target):
        raise JepaError(f"{target}: exists already, and is left as it is")
    try:
        with open(target, "xb") as copy:
            copy.write(recipes[name].read_bytes())
    except OSError as error:
        raise JepaError(f"{target}: {error.strerror}") from error
    typer.echo(plain(f"{target}: a copy of {name}; run it with: jepa-run {target}"))


def schema(modules: Modules = None, plugin_files: PluginFiles = None) -> None:
    """Print the JSON Schema of recipes, with the installed components, for editors."""
    from jepa_core.recipe.json_schema import recipe_schema

    with only_results_on_stdout():
        found = recipe_schema(make_registry(modules, plugin_files))
    typer.echo(json.dumps(found, indent=2))
