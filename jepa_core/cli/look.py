"""``jepa-run list``, ``show`` and ``plugins``: what is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from jepa_core.cli.options import PluginOption, make_registry
from jepa_core.errors import JepaError, did_you_mean

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


WHAT = ("recipes", "components")


def list_all(
    what: Annotated[
        str | None, typer.Argument(metavar="recipes|components", help="Only recipes, or only components.")
    ] = None,
    as_json: AsJson = False,
    plugins: PluginOption = None,
) -> None:
    """List the shipped recipes and the components of all installed plugins."""
    from jepa_core.display.terminal import print_table
    from jepa_core.recipe.sources import descriptions

    if what not in (None, *WHAT):
        raise typer.BadParameter(f"'{what}' is not one of {' and '.join(WHAT)}")
    recipes = {} if what == "components" else descriptions()
    found = [] if what == "recipes" else make_registry(plugins).describe()
    if as_json:
        told = [
            {"kind": c.kind, "name": c.name, "from": c.distribution, "version": c.version, "summary": c.summary}
            for c in found
        ]
        _print_json({"recipes": recipes, "components": told}, what)
        return
    if recipes:
        print_table(("recipe", "what it shows"), recipes.items())
    if found:
        from jepa_core.report.console import unmarked

        rows = [(c.kind, c.name, c.distribution, unmarked(c.summary)) for c in found]
        print_table(("kind", "component", "from", "what it does"), rows)
        typer.echo("jepa-run show NAME tells more about one.")


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe or a component.")],
    plugins: PluginOption = None,
) -> None:
    """Show a recipe's text, or a component's description and options."""
    from jepa_core.recipe.sources import shipped_recipes

    recipes = shipped_recipes()
    if name in recipes:
        typer.echo(recipes[name].read_text(encoding="utf-8"), nl=False)
        return
    known = make_registry(plugins).describe()
    found = [component for component in known if component.name == name]
    if not found:
        names = [*recipes, *(component.name for component in known)]
        raise JepaError(f"no recipe and no component is called '{name}'{did_you_mean(name, names)}")

    from jepa_core.report.console import show_component

    for component in found:
        show_component(component)


def plugins(as_json: AsJson = False, plugins: PluginOption = None) -> None:
    """List the installed plugins with their versions and components, and the broken ones with the cause."""
    from jepa_core.display.terminal import print_table

    registry = make_registry(plugins)
    offers: dict[str, list[str]] = {plugin.name: [] for plugin in registry.plugins}
    for component in registry.describe():
        offers[component.plugin.name].append(f"{component.kind} {component.name}")
    if as_json:
        told = [{"name": p.name, "version": p.version, "components": offers[p.name]} for p in registry.plugins]
        broken = [{"name": b.plugin.name, "version": b.plugin.version, "broken": b.cause} for b in registry.broken]
        _print_json({"plugins": told, "broken": broken}, None)
        return
    rows = [(p.name, p.version, ", ".join(offers[p.name])) for p in registry.plugins]
    rows += [(b.plugin.name, b.plugin.version, f"BROKEN: {b.cause}") for b in registry.broken]
    print_table(("plugin", "version", "components"), rows)


def _print_json(parts: Mapping[str, Any], only: str | None) -> None:
    """Prints all parts, or `only` one of them."""
    typer.echo(json.dumps(parts if only is None else parts[only], indent=2, ensure_ascii=False))
