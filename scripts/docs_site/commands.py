"""The page of ``jepa-run``, from its own help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import typer

from jepa_core.cli.main import app

WIDTH = 100


def commands_page() -> str:
    return "# Command line\n\n" + "\n".join(_sections(typer.main.get_command(app), "jepa-run"))


def _sections(command: Any, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """A section for a command and each below it; one without help of its own is left out."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    path = context.command_path
    level = "#" * min(2 + path.count(" "), 4)
    yield f"{level} `{path}`\n\n```text\n{command.get_help(context)}\n```\n"
    for each in getattr(command, "commands", {}).values():
        yield from _sections(each, each.name, context)
