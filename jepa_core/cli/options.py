"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.streams import only_results_on_stdout

if TYPE_CHECKING:
    from jepa_core.registry import Registry

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of one that jepa-core ships.")
]
RecipeOrRun = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="A recipe file, the name of one that jepa-core ships, or a run's folder."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Values to change, e.g. objective.k=2 objective.distance=l2"),
]
RunFolderArgument = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="The folder of a run.")]
PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        "-p",
        metavar="FILE|MODULE",
        help="Use this Python file, or this module, as a plugin. May be repeated.",
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="cpu|cuda|mps", help="Where to run; by default on a GPU, if there is one.")
]


def make_registry(plugins: Iterable[str] | None, outlined: bool = False) -> Registry:
    """Makes a registry of the installed plugins and those named by the user; what they print goes to standard error.

    Its imports take a second, so they wait for the call. outlined: read the plugins' sources, run nothing.
    """
    if outlined:
        from jepa_core.registry.outline import Outline

        return Outline(*by_kind(plugins))
    from jepa_core.registry.registry import named_registry

    with only_results_on_stdout():
        return named_registry(*by_kind(plugins))


def by_kind(plugins: Iterable[str] | None) -> tuple[list[str], list[Path]]:
    """Sorts plugins into modules and files.

    >>> by_kind(["huber.py", "my_package.huber"])
    (['my_package.huber'], [PosixPath('huber.py')])
    """
    given = list(plugins or ())
    names = [name for name in given if all(part.isidentifier() for part in name.split("."))]
    names = [name for name in names if not name.endswith(".py")]
    return names, [Path(name) for name in given if name not in names]


def with_flags(overrides: list[str] | None, **flags: object) -> list[str]:
    """The overrides, followed by those given as flags, which win; key ``a__b`` means ``a.b``."""
    given = {key.replace("__", "."): value for key, value in flags.items() if value is not None}
    return [
        *(overrides or ()),
        *(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items()),
    ]
