"""Guesses where a run is that somebody looked for in the wrong folder."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder

#: So many runs are named.
FEW = 4


def refuse_unfinished(folder: RunFolder) -> None:
    """Raises JepaError where there is no finished run."""
    if folder.finished:
        return
    more = "; it was interrupted: the command that began it goes on" if folder.started else elsewhere(folder.path)
    raise JepaError(f"{folder.path}: no finished run there{more}")


def elsewhere(path: Path) -> str:
    """``"; did you mean 'runs/k2'?"`` for a run beside `path` by a name like it, or the runs that there are inside."""
    if close := get_close_matches(path.name, [each.name for each in _runs(path.parent)], n=1):
        return f"; did you mean '{path.with_name(close[0])}'?"
    inside = [str(each) for each in _runs(path)]
    more = f" and {len(inside) - FEW} more" if len(inside) > FEW else ""
    return f"; it holds the runs {', '.join(inside[:FEW])}{more}" if inside else ""


def _runs(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if RunFolder(each).started)
    except OSError:  # no folder, or none that may be read: then there is no hint
        return []
