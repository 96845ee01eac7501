"""``jepa-run``: the command line. Every command imports what it needs when it runs, so help is quick."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

import jepa_core
from jepa_core.cli.ask import ask
from jepa_core.cli.env import env
from jepa_core.cli.evaluate import evaluate
from jepa_core.cli.export import export
from jepa_core.cli.group import RecipeFirst
from jepa_core.cli.look import list_all, plugins, show
from jepa_core.cli.recipes import cp, schema, validate
from jepa_core.cli.report import report
from jepa_core.cli.run import run
from jepa_core.cli.study import study
from jepa_core.cli.task_commands import task_commands
from jepa_core.cli.verify import show_batch, show_mask, verify
from jepa_core.signals import stop_with_parent
from jepa_core.streams import outlive_readers, plain, plain_warnings

HELP = """Train causal language models with next-token prediction plus a JEPA loss, from a recipe.

\b
    jepa-run cosine_k1                 a shipped recipe, by name
    jepa-run my.yaml objective.k=2     a recipe file, one value changed
    jepa-run list                      the recipes and components there are
    jepa-run cp cosine_k1 my.yaml      a recipe of your own to start from

Type jepa-run COMMAND --help for what a command takes.
"""

app = typer.Typer(
    cls=RecipeFirst,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jepa-core {jepa_core.__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error came from; may stand anywhere.")
    ] = False,
) -> None:
    """Options that come before or after any command."""


app.command("run")(run)
app.command("list")(list_all)
app.command("show")(show)
app.command("validate")(validate)
app.command("cp")(cp)
app.command("verify")(verify)
app.command("show-mask")(show_mask)
app.command("show-batch")(show_batch)
app.command("schema")(schema)
app.command("plugins")(plugins)
app.command("eval")(evaluate)
app.command("ask")(ask)
app.command("export")(export)
app.command("report")(report)
app.command("study")(study)
app.command("env")(env)
for name, commands in task_commands([str(command.name) for command in app.registered_commands]):
    app.add_typer(commands, name=name)


def _refuse_no_folder() -> None:
    """Exits if the current folder was deleted: paths mean nothing there, and loading PyTorch would end the process."""
    try:
        os.getcwd()
    except FileNotFoundError:
        typer.echo("jepa-run: the current folder is gone: change into one that is there", err=True)
        raise SystemExit(1) from None


def _stop_with_torchrun() -> None:
    """An agent of torchrun that is killed leaves its processes behind: they would train on, and hold the run's folder
    when it comes back."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        stop_with_parent(os.getppid())


def main() -> None:
    outlive_readers()
    _stop_with_torchrun()
    plain_warnings()
    _refuse_no_folder()
    try:
        app(prog_name="jepa-run")
    except Exception:  # a fault of this program or of a plugin; its words may be of data, or of a file's name
        sys.stderr.write(plain(traceback.format_exc()))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
