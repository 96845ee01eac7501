"""``jepa-run ask``: questions to a finished run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.cli.options import PluginOption, RunFolderArgument, make_registry
from jepa_core.errors import JepaError
from jepa_core.streams import only_results_on_stdout, plain_json
from jepa_core.streams import plain as plain_text

if TYPE_CHECKING:
    from jepa_core.samples.asking import Answer, Asker


def ask(
    run_dir: RunFolderArgument,
    questions: Annotated[list[str] | None, typer.Argument(metavar="QUESTION", help="What to ask.")] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A file with a question a line.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Ask the saved model alone, without the objective.")] = False,
    count: Annotated[
        int, typer.Option("--top", min=1, metavar="N", help="So many answers each, where they are ranked.")
    ] = 3,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, metavar="N", help="Where a text that does not stop is cut.")
    ] = 128,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each question.")] = False,
    plugins: PluginOption = None,
) -> None:
    """Ask the model of a finished run: QUESTIONs, those of a file or of standard input, or one by one at a prompt."""
    if questions and file:
        raise typer.BadParameter("questions come from a file or stand here: give one of them", param_hint="--file")
    given = questions or (_lines_of(file) if file else None)

    from jepa_core.assembly.load import load

    with only_results_on_stdout():
        asker = load(run_dir, make_registry(plugins)).asker(plain, count, max_new_tokens)
    if given is None and sys.stdin.isatty():
        _at_a_prompt(asker, as_json)
        return
    for answer in asker(given if given is not None else _lines(sys.stdin.read())):
        _show(answer, as_json)


def _lines_of(file: Path) -> list[str]:
    try:
        return _lines(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise JepaError(f"{file}: expected text in UTF-8: {error.reason}") from error


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _at_a_prompt(asker: Asker, as_json: bool) -> None:
    """Answers questions as they are typed; a wrong one gets a message, and the prompt comes back."""
    for question in _typed():
        try:
            _show(asker([question])[0], as_json)
        except JepaError as error:
            typer.echo(plain_text(str(error)), err=True)


def _typed() -> Iterator[str]:
    typer.echo("one question a line; Ctrl-D or Ctrl-C ends", err=True)
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            typer.echo(err=True)  # the shell's prompt begins a line
            return
        if line.strip():
            yield line.strip()


def _show(answer: Answer, as_json: bool) -> None:
    if as_json:
        typer.echo(plain_json(asdict(answer)))
        return

    from jepa_core.display.terminal import say

    say(f"{answer.question}   (by {answer.through})")
    for found in answer.found:
        rank = "" if found.rank is None else f"{found.rank:,}. "
        confidence = "" if found.confidence is None else f"   {found.confidence:.3f}"
        say(f"  {rank}{found.text}{confidence}{found.note and f'   {found.note}'}")
