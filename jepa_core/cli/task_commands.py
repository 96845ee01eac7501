"""Commands that tasks bring: Typer apps named in the entry point group ``jepa_core.commands``."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import redirect_stdout
from importlib import metadata

import typer

from jepa_core.streams import plain

GROUP = "jepa_core.commands"


def task_commands(taken: Collection[str] = ()) -> Iterator[tuple[str, typer.Typer]]:
    """Yields the name and app of each; skips, with a message, one that does not load or whose name is taken.

    The apps import what they need when they run.
    """
    names = set(taken)
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        if point.name in names:
            _complain(point, "is another's name")
            continue
        try:
            with redirect_stdout(sys.stderr):  # standard output may be JSON
                app = point.load()
        except (Exception, SystemExit) as error:  # whatever a third party's import does, the others go on
            _complain(point, f"does not load: {type(error).__name__}: {error}")
            continue
        if not isinstance(app, typer.Typer):
            _complain(point, f"is no Typer app, but {type(app).__name__}")
            continue
        names.add(point.name)
        yield point.name, app


def _complain(point: metadata.EntryPoint, words: str) -> None:
    print(plain(f"jepa-run: the command '{point.name}' ({point.value}) {words}"), file=sys.stderr)
