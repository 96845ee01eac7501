"""A hidden folder beside a task's, in which the task is made before it takes its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jepa_core import DataError
from jepa_core.folder.files import reason, remove
from jepa_core.folder.lock import locked_file


@contextmanager
def draft_beside(folder: Path) -> Iterator[Path]:
    """An empty folder on the disk of `folder`, removed in the end if it is still there.

    For one process at a time, so that what lies there at the start was left by one that was killed: it goes, and if
    that had just put an older task aside, that one comes back. Raises JepaError where another process is at work, and
    DataError where nothing can be written.
    """
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked_file(folder.with_name(f".{folder.name}.lock"), folder):
            _clear(folder)
            draft = folder.with_name(f".{folder.name}.part-{os.getpid()}")
            draft.mkdir()
            try:
                yield draft
            finally:
                _clear(folder)
    except OSError as error:
        raise DataError(f"{folder}: can't be written: {reason(error)}") from error


def put_in_place(draft: Path, folder: Path) -> None:
    """Gives the draft the name of `folder`; what had it is gone when all is well."""
    if folder.exists():
        folder.rename(folder.with_name(f".{folder.name}.old-{os.getpid()}"))
    draft.rename(folder)


def _clear(folder: Path) -> None:
    own = re.compile(rf"\.{re.escape(folder.name)}\.(part|old)-\d+")
    for path in sorted(folder.parent.iterdir()):
        if found := own.fullmatch(path.name):
            if found[1] == "old" and not folder.exists():
                path.rename(folder)
            else:
                remove(path)
