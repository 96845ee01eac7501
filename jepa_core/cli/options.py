"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.streams import only_results_on_stdout

if TYPE_CHECKING:
    from jepa_core.registry import Registry

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of one that jepa-core ships.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Values to change, e.g. objective.k=2 objective.distance=l2"),
]
RunFolderArgument = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="The folder of a run.")]
Modules = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="MODULE", help="Import this module as a plugin. May be repeated."),
]
PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="PATH", help="Load this Python file as a plugin. May be repeated."),
]


def make_registry(modules: list[str] | None, files: list[Path] | None) -> Registry:
    """The installed plugins, and those that the user named; what they print meanwhile goes to standard error.

    Imported when it is called, since that takes a second.
    """
    from jepa_core.registry.named import make_registry as make

    with only_results_on_stdout():
        return make(modules, files)


def with_flags(overrides: list[str] | None, **flags: object) -> list[str]:
    """Overrides, and those that have a flag of their own; key ``a__b`` means ``a.b``. Flags win."""
    given = {key.replace("__", "."): value for key, value in flags.items() if value is not None}
    return [
        *(overrides or ()),
        *(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items()),
    ]
