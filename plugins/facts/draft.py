"""A hidden folder beside a task's, in which the new task is made before it takes that place."""

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
    """Makes an empty folder on the disk of `folder`, and removes it in the end if it is still there.

    One process at a time can do so. Any draft found at the start was left by a killed process: it is removed, and an
    older task that this process had put aside is put back. Raises JepaError where another process is at work, and
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
    """Renames the draft to `folder`; an older folder is put aside, for the draft's end to remove."""
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
