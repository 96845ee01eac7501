"""One run a folder: a lock that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from jepa_core.errors import JepaError

NAME = ".lock"


class FolderLocked(JepaError):
    """Another run is at work in the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder`, made where it is not there, for this process.

    A record lock (``lockf``): unlike ``flock``'s it is not handed on to forked children, so no worker that
    outlives a killed run keeps it. Raises FolderLocked, naming the holder, and JepaError when nothing can be
    written there.
    """
    file = _open(folder / NAME)
    try:
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "host": socket.gethostname()}, file)
        file.flush()
        yield
    finally:
        (folder / NAME).unlink(missing_ok=True)  # while we still hold it
        file.close()


def _open(path: Path) -> TextIO:
    """The locked file. One that its holder removed after we opened it does not count: another may be there."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - closed by its holder
        except OSError as error:
            raise JepaError(f"{path.parent}: can't be written: {error.strerror}") from error
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(file)
            file.close()
            raise FolderLocked(f"{path.parent}: another run is at work there ({holder})") from error
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        held = json.load(file)
        return f"process {held['pid']} on {held['host']}"
    except (ValueError, KeyError, TypeError):
        return "it has not said who it is"
