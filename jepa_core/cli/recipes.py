"""``jepa-run validate``, ``cp`` and ``schema``: working on recipes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.options import Overrides, PluginOption, RecipeArgument, make_registry
from jepa_core.errors import JepaError, did_you_mean
from jepa_core.streams import only_results_on_stdout, plain


def validate(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    data: Annotated[
        bool, typer.Option("--data", help="Read and check all data too, build everything, and run one batch.")
    ] = False,
    plugins: PluginOption = None,
) -> None:
    """Check a recipe and name everything that is wrong in it, with file and line. Exit status 2 if so.

    Takes less than a second where the plugins' sources tell what they offer, so that they need not run: checks keys and
    values, names and options of components, the model's configuration, missing files, splits, trackers. The data, and
    whatever components refuse only when they are made, are for --data, which writes nothing.
    """
    from jepa_core.recipe.cautions import cautions
    from jepa_core.recipe.examine import InDoubt, examine

    outline = make_registry(plugins, True)
    try:
        loaded = examine(recipe, overrides or (), outline)
    except InDoubt as doubt:
        typer.echo(plain(f"plugins are run: {doubt}"), err=True)
        loaded = examine(recipe, overrides or (), make_registry(plugins))
    for warning in cautions(loaded, loaded.training.max_steps):
        typer.echo(plain(warning), err=True)
    if not data:
        typer.echo(plain(f"{recipe}: valid"))
        return
    from jepa_core.launch.dry_run import check_data
    from jepa_core.recipe.load import load_recipe

    registry = make_registry(plugins)
    with only_results_on_stdout():
        found = check_data(load_recipe(recipe, overrides or (), registry=registry), registry)
    typer.echo(plain(f"{found}\n{recipe}: valid, with its data"))


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


def schema(plugins: PluginOption = None) -> None:
    """Print the JSON Schema of recipes, with the installed components, for editors."""
    from jepa_core.recipe.json_schema import recipe_schema

    with only_results_on_stdout():
        found = recipe_schema(make_registry(plugins))
    typer.echo(json.dumps(found, indent=2))
