"""The command group: a recipe as first word means ``run``, and a user's mistake shows no traceback."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from jepa_core.errors import JepaError, RecipeError


class RecipeFirst(TyperGroup):
    """``jepa-run RECIPE …`` is short for ``jepa-run run RECIPE …``; ``--traceback`` may stand anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        flags = [arg for arg in args if arg == "--traceback"]
        args = [arg for arg in args if arg != "--traceback"]
        own = {name for parameter in self.params for name in parameter.opts} | {"--help"}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(ctx, [*flags[:1], *args])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except JepaError as error:
            if ctx.params.get("traceback"):
                raise
            _complain(error)
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise typer.Exit(130) from None


def _complain(error: JepaError) -> None:
    """Problems of a recipe are lines of their own, as compilers write them; anything else is one message."""
    sys.stdout.flush()
    if isinstance(error, RecipeError):
        count = len(error.problems)
        typer.echo(error, err=True)
        typer.echo(f"{count} problem{'s' if count > 1 else ''}; nothing was run", err=True)
    else:
        typer.echo(f"jepa-run: {error}", err=True)
