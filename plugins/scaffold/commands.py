"""``jepa-run new``: a package for a component of your own."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.help import HelpfulCommand, HelpfulGroup
from jepa_core.streams import plain

app = typer.Typer(
    cls=HelpfulGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    short_help="Make a package for a component of your own.",
    help="Make a package for a component of your own: code that says its contract, tests, a recipe, and what pip and "
    "CI need.\n\nExample: jepa-run new distance my_distance",
)
#: Kind of package -> its description.
WHAT = {
    "distance": "How far each prediction is from its target.",
    "mask": "Which token may see which.",
    "view": "Which two views of a sample are paired.",
    "predictor": "What makes the prediction of the source's embedding.",
    "regularizer": "What keeps embeddings from collapsing.",
    "filter": "Which samples pay the JEPA loss.",
    "embedding": "What makes one vector of a view's hidden states.",
    "evaluation": "What else is measured on each set.",
    "dataset": "Data of your own, and its views.",
}


def command(what: str) -> Callable[..., None]:
    """Makes the command for one kind of package."""

    def new(
        name: Annotated[str, typer.Argument(metavar="NAME", help="What recipes will call it, such as my_own.")],
        out: Annotated[
            Path | None,
            typer.Option(metavar="DIR", help="The package's folder, which must be new.", show_default="jepa-NAME"),
        ] = None,
    ) -> None:
        from jepa_core import Registry
        from jepa_plugins.scaffold.names import checked_names
        from jepa_plugins.scaffold.package import package_files, write_package

        names = checked_names(name, what, Registry.discover())
        folder = out or Path(names.distribution)
        for path in write_package(folder, package_files(what, names)):
            typer.echo(plain(str(path)))
        place = shlex.quote(str(folder))
        recipe = shlex.quote(str(folder / f"{name}.yaml"))
        typer.echo(f"\nNow:  pip install -e {place}    makes jepa-run know it")
        typer.echo(f"      python -m pytest {place}    its contract, and a test of its own")
        typer.echo(f"      jepa-run {recipe}    trains with it, in seconds")

    return new


for what, words in WHAT.items():
    app.command(what, cls=HelpfulCommand, help=f"Make a package for a {what}.\n\n{words}", short_help=words)(
        command(what)
    )
