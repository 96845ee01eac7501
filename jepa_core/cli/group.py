"""The command group: a recipe as first word means ``run``, and a user's mistake shows no traceback."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import typer

from jepa_core.cli.help import HelpfulGroup
from jepa_core.errors import JepaError, RecipeError
from jepa_core.folder.files import reason
from jepa_core.paths import argument_at_home
from jepa_core.signals import Terminated, ending_on_signals
from jepa_core.streams import output_lost, plain

#: Commands whose results are files; what they print says where.
LEAVE_FILES = ("run", "study")
#: Commands that people know from other tools -> the command here.
ELSEWHERE = {
    "train": "run",
    "fit": "run",
    "ls": "list",
    "recipes": "list recipes",
    "components": "list components",
    "describe": "show",
    "evaluate": "eval",
    "chat": "ask",
    "copy": "cp",
}


class RecipeFirst(HelpfulGroup):
    """``jepa-run RECIPE …`` is short for ``jepa-run run RECIPE …``; ``--traceback`` may stand anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        flags = [arg for arg in args if arg == "--traceback"]
        args = [argument_at_home(arg) for arg in args if arg != "--traceback"]
        own = {name for parameter in self.params for name in parameter.opts} | {"--help"}
        if args and args[0] not in self.commands and args[0] not in own and not _misspelt_option(args[0], own):
            if words := instead_of(args, self.commands):
                ctx.fail(words)
            args = ["run", *args]
        if args and (words := value_as_option(args[1:], self.commands.get(args[0]))):
            ctx.fail(words)
        return super().parse_args(ctx, [*flags[:1], *args])

    def invoke(self, ctx: Any) -> Any:
        try:
            with ending_on_signals():
                result = super().invoke(ctx)
                _tell_lost_output(ctx.invoked_subcommand in LEAVE_FILES)
                return result
        except (JepaError, OSError, MemoryError, Terminated) as error:
            if ctx.params.get("traceback"):
                raise
            _complain(error)
            raise typer.Exit(getattr(error, "exit_status", 1)) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(130) from None


def instead_of(args: Sequence[str], commands: Iterable[str]) -> str:
    """Suggests the command that an unknown first word was meant for; empty where the word may be a recipe."""
    from jepa_core.recipe.sources import is_recipe, shipped_recipes

    word, *rest = args
    if not word.replace("-", "").isalpha() or is_recipe(word):
        return ""
    close = get_close_matches(word, [*shipped_recipes(), *commands, *ELSEWHERE], n=1, cutoff=0.6)
    meant = ELSEWHERE.get(close[0], close[0]).split() if close else []
    if meant[:1] == ["list"] and rest:  # of one of them
        meant = ["show"]
    if not meant or meant[0] not in commands:
        return ""
    command = rest if meant == ["run"] and rest else [*meant, *rest]
    return f"there is no command '{word}'; did you mean '{shlex.join(['jepa-run', *command])}'?"


def value_as_option(args: Sequence[str], command: object) -> str:
    """Tells what to write for a recipe's value that was given as ``--objective.k=2``; empty where there is none."""
    parameters = {parameter.name: parameter.opts for parameter in getattr(command, "params", ())}
    if "overrides" not in parameters:
        return ""
    own = {name for names in parameters.values() for name in names} | {"--help"}
    for number, arg in enumerate(args):
        option, equals, value = arg.partition("=")
        if option.startswith("--") and option not in own and (key := _place_in_recipes(option[2:])):
            value = value if equals else next(iter(args[number + 1 :]), "VALUE")
            return f"no such option: {option}; a value of the recipe is {shlex.quote(f'{key}={value}')}, without dashes"
    return ""


def _place_in_recipes(name: str) -> str:
    """The dotted key that an option means; empty where recipes have none."""
    from jepa_core.recipe.schema import SECTIONS

    *parents, key = name.replace("-", "_").split(".")
    places = [section for section, schema in SECTIONS.items() if key in schema.model_fields]
    if parents:
        return ".".join([*parents, key]) if parents[0] in SECTIONS[()].model_fields else ""
    return ".".join(map(str, (*places[0], key))) if places else ""


def _misspelt_option(word: str, known: Iterable[str]) -> bool:
    """Tells whether it is meant for ``jepa-run`` itself, and is no option of ``run``."""
    return word.startswith("--") and bool(get_close_matches(word, known, n=1, cutoff=0.8))


def _tell_lost_output(matters_little: bool) -> None:
    """Reports output lost to a full disk. Raises JepaError where the command had nothing else to give."""
    if lost := output_lost():
        error = JepaError(f"what was printed is lost: {lost.strerror}")
        if not matters_little:
            raise error
        _complain(error)


def _complain(error: JepaError | OSError | MemoryError | Terminated) -> None:
    """Prints an error: a recipe's problems on a line each, as compilers do, anything else as one message."""
    sys.stdout.flush()
    if isinstance(error, RecipeError):
        count = len(error.problems)
        typer.echo(plain(str(error)), err=True)
        typer.echo(f"{count} problem{'s' if count > 1 else ''}; nothing was run", err=True)
    else:
        typer.echo(plain(f"jepa-run: {_in_words(error)}"), err=True)


def _in_words(error: JepaError | OSError | MemoryError | Terminated) -> str:
    """Puts an error in one line; for one of disks or rights, the file and the system's reason."""
    if isinstance(error, OSError):
        return f"{error.filename}: {reason(error)}" if error.filename else reason(error)
    return str(error) if isinstance(error, JepaError | Terminated) else "not enough memory (--traceback shows for what)"
