"""One run a folder: a lock that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.errors import JepaError
from jepa_core.folder.files import CAREFULLY, NotWritten

if TYPE_CHECKING:
    from filelock import BaseFileLock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"


class FolderLocked(JepaError):
    """Another run is at work in the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder`, created if it is missing, for this process.

    Raises FolderLocked, naming the holder where that is known, and JepaError when nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotWritten(folder, error) from error
    with locked_file(folder / NAME, folder):
        yield


@contextmanager
def locked_file(path: Path, what: Path | None = None) -> Iterator[None]:
    """Holds the file at `path` during work on `what`, and removes it in the end. Raises as :func:`locked`."""
    what = what or path
    with _record_lock(path, what) if fcntl else _other_lock(path, what):
        yield


def shared_lock(path: Path, blocking: bool = True) -> BaseFileLock:
    """A lock between processes and threads, for with-statements; unless `blocking`, it raises filelock's Timeout.

    Raises JepaError for what is there and is no lock: filelock would follow a link, and empty the file.
    """
    from filelock import FileLock

    if path.is_symlink() or (path.exists() and not path.is_file()) or (fcntl and path.exists() and path.stat().st_size):
        raise JepaError(f"{path}: is no lock of a run; move it away")
    return FileLock(path, blocking=blocking)


@contextmanager
def _record_lock(path: Path, what: Path) -> Iterator[None]:
    """Locks with ``lockf``: unlike ``flock``'s, this lock is not inherited by forked children, so no worker that
    outlives a killed run keeps it."""
    descriptor = _open(path, what)
    try:
        _say_who(descriptor, what)
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # while we still hold it
        os.close(descriptor)


@contextmanager
def _other_lock(path: Path, what: Path) -> Iterator[None]:
    """Locks with filelock, where the system has no ``fcntl``; nothing is forked there either."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise FolderLocked(f"{what}: another run is at work there") from error
    except OSError as error:
        raise NotWritten(what, error) from error
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # somebody took it in the meantime
            path.unlink(missing_ok=True)


def _open(path: Path, what: Path) -> int:
    """Opens and locks the file. One that its holder removed after we opened it does not count: another may be there."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | CAREFULLY, 0o666)
        except OSError as error:
            if path.is_symlink():
                raise JepaError(f"{path}: is a link, which is no lock of a run; remove it") from error
            raise NotWritten(what, error) from error
        try:
            _lock(descriptor, path, what)
            if os.path.lexists(path) and os.path.samestat(os.fstat(descriptor), path.lstat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: Path, what: Path) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:  # a second name may be that of a file of the user's
        raise JepaError(f"{path}: is no regular file of its own, so no lock of a run; remove it")
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:  # the system chooses one of the two
        raise FolderLocked(f"{what}: another run is at work there ({_holder(descriptor)})") from error
    except OSError as error:  # a disk without locks
        raise JepaError(f"{what}: can't be locked: {error.strerror}") from error
    if found.st_size and not _said_who(descriptor):
        raise JepaError(f"{path}: holds what no run wrote, so it is no lock of one; move it away")


def _say_who(descriptor: int, what: Path) -> None:
    """Writes down who holds the lock, for whoever comes second."""
    who = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, who, 0)
    except OSError as error:
        raise NotWritten.of(what, error, len(who)) from error


def _holder(descriptor: int) -> str:
    return _said_who(descriptor) or "it has not said who it is"


def _said_who(descriptor: int) -> str:
    """The holder, in words; empty for anything that :func:`_say_who` did not write."""
    try:
        held = json.loads(os.pread(descriptor, 1000, 0))
        return f"process {int(held['pid'])} on {str(held['host'])[:200]}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
