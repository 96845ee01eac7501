"""Commands that tasks bring: Typer apps named in the entry point group ``jepa_core.commands``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

import typer

GROUP = "jepa_core.commands"


def task_commands() -> Iterator[tuple[str, typer.Typer]]:
    """Name and app of each; one that does not load is told of and left out. They import what they need when they run."""
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name):
        try:
            app = point.load()
        except Exception as error:  # whatever a third party's import does, the others go on
            print(f"jepa-run: the command '{point.name}' ({point.value}) does not load: {error}", file=sys.stderr)
            continue
        if isinstance(app, typer.Typer):
            yield point.name, app
