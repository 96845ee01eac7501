"""``jepa-run``: the command line. Every command imports what it needs when it runs, so help is quick."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

import jepa_core
from jepa_core.cli.ask import ask
from jepa_core.cli.env import env
from jepa_core.cli.evaluate import evaluate
from jepa_core.cli.export import export
from jepa_core.cli.group import RecipeFirst
from jepa_core.cli.help import HelpfulCommand
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


#: Section of the help -> name, function and summary of its commands.
COMMANDS: dict[str, tuple[tuple[str, Callable[..., None], str], ...]] = {
    "Train, and use what was trained": (
        ("run", run, "Train, evaluate and save what a recipe says."),
        ("report", report, "Show what a run did, or compare several."),
        ("ask", ask, "Ask the model of a finished run."),
        ("eval", evaluate, "Measure a finished run again."),
        ("export", export, "Write a finished run's model for transformers."),
        ("study", study, "Compare arms, tuned and repeated over seeds."),
    ),
    "Look before training": (
        ("verify", verify, "Prove that a recipe trains what it says."),
        ("show-mask", show_mask, "Draw which token may see which."),
        ("show-batch", show_batch, "Show samples, and what each token pays."),
    ),
    "Recipes and components": (
        ("list", list_all, "List the recipes and components there are."),
        ("show", show, "Show a recipe, or a component's options."),
        ("cp", cp, "Copy a shipped recipe, to make it your own."),
        ("validate", validate, "Name every mistake in a recipe, with its line."),
        ("schema", schema, "Print the JSON Schema of recipes, for editors."),
        ("plugins", plugins, "List the installed plugins, and broken ones."),
        ("env", env, "Print versions and device, for a bug report."),
    ),
}
for section, commands in COMMANDS.items():
    for name, function, summary in commands:
        app.command(name, cls=HelpfulCommand, rich_help_panel=section, short_help=summary)(function)
for name, task_app in task_commands([str(command.name) for command in app.registered_commands]):
    app.add_typer(task_app, name=name)


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
