"""``jepa-run convert-flags``: a command of the public code of LLM-JEPA as a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.help import HelpfulGroup
from jepa_core.errors import JepaError
from jepa_core.streams import plain

app = typer.Typer(
    cls=HelpfulGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    subcommand_metavar="",
    context_settings={"allow_interspersed_args": True},
)


@app.callback(invoke_without_command=True)
def convert_flags(
    command: Annotated[str, typer.Argument(metavar="LINE", help="The command line, in quotes.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the recipe to this file, which must be new.")
    ] = None,
) -> None:
    """Turn a command of the public LLM-JEPA code into a recipe.

    Reads a command line of finetune.py or stp.py, as it stands in a script, and prints the recipe that means the
    same. Comments above it tell how it differs from the command; docs/LLM_JEPA.md has the table of flags and keys.

    Example: jepa-run convert-flags "python finetune.py --train_file synth_train.jsonl --lbd 0.5 --predictors 2"
    """
    from jepa_plugins.text.convert_flags import convert

    recipe = convert(command).yaml()
    if out is None:
        typer.echo(recipe, nl=False)
        return
    try:
        with open(out, "x", encoding="utf-8") as file:
            file.write(recipe)
    except OSError as error:
        raise JepaError(f"{out}: not written: {error.strerror}") from error
    typer.echo(plain(f"wrote {out}"))
