"""Files that are read only where they are files, and written whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jepa_core.errors import JepaError

#: Ends the name of a file or folder that is being written or deleted; nothing ever reads one.
UNFINISHED = ".part"
#: The most bytes of a text that a run wrote: about as long as a log of a million steps, and far more than most.
MAX_BYTES = 1 << 30
#: No link is followed, no pipe is waited for, and no process that is started inherits the file.
CAREFULLY = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


class NotWritten(JepaError):
    """The disk is full, or does not let us write; what was there before is still there.

    needed: bytes; where it is given, the message says how many are free too.
    """

    def __init__(self, path: Path, error: Exception, needed: int | None = None):
        space = "" if needed is None else f"; it needs about {needed:,} bytes, {_free(path):,} are free"
        super().__init__(f"{path}: can't be written: {reason(error)}{space}")

    @classmethod
    def of(cls, path: Path, error: OSError, size: int) -> NotWritten:
        """Makes the error, with figures only where the disk is full."""
        return cls(path, error, size if error.errno in _FULL else None)


def reason(error: Exception) -> str:
    """The operating system's words for an error, without number and path."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Reads a regular file, or the one that a link leads to.

    Raises JepaError, in one line, for anything else: a pipe would be waited for, a device may never end.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise JepaError(f"{path}: can't be read: not a regular file")
        if found.st_size > limit:
            raise JepaError(f"{path}: can't be read: larger than {limit >> 20:,} MiB")
        with open(path, "rb") as file:
            return file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)  # takes so much memory at once
    except (OSError, ValueError) as error:  # ValueError: a path that holds a zero byte
        raise JepaError(f"{path}: can't be read: {reason(error)}") from error


def read_json(path: Path) -> object:
    """Reads JSON that a run wrote. Raises JepaError when the file is missing, was cut off, or is no JSON."""
    try:
        return json.loads(read_bytes(path))
    except RecursionError as error:
        raise JepaError(f"{path}: can't be read: nested too deep") from error
    except ValueError as error:
        raise JepaError(f"{path}: can't be read: {error}") from error


def finite_number(value: object) -> float | None:
    """The number in a value from JSON; None for anything else, such as NaN, which JSON can only hold as text."""
    try:
        value = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # an integer of hundreds of digits
        return None
    return value if math.isfinite(value) else None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises NotWritten when the place does not take it."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))  # it may name files that are not UTF-8


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes as :func:`write_text` does text."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _draft_of(path) as draft:
            with open(draft, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
    except OSError as error:
        raise NotWritten.of(path, error, len(content)) from error


def write_json(path: Path, data: object) -> None:
    """Writes JSON whole or not at all. Raises NotWritten, also for NaN, which JSON does not have."""
    try:
        text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    except ValueError as error:
        raise NotWritten(path, error) from error
    write_text(path, text)


def append_line(path: Path, line: str) -> None:
    """Appends a line to a file, created if it is missing: all of the line, or nothing. Raises NotWritten."""
    content = f"{line}\n".encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | CAREFULLY, 0o666)
        try:
            _append(descriptor, content)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotWritten.of(path, error, len(content)) from error


def refuse_read_only(folder: Path) -> None:
    """Raises JepaError when nothing can be written into `folder`, which need not exist; for use before long work."""
    try:
        nearest = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    except OSError as error:
        raise JepaError(f"{folder}: can't be read: {reason(error)}") from error
    if not nearest.is_dir():
        raise JepaError(f"{folder}: can't be written: {nearest} is no folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise NotWritten(folder, PermissionError(0, f"no right to write into {nearest.absolute()}"))


def remove(path: Path) -> None:
    """Removes a file, a folder with its content, or a link but not its target; does nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """Yields the path to write to before a rename. A killed process's goes first; of a link, only the link."""
    draft = path.with_name(path.name + UNFINISHED)
    draft.unlink(missing_ok=True)
    try:
        yield draft
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _append(descriptor: int, content: bytes) -> None:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if os.write(descriptor, content) < len(content):  # the last bytes of the disk
        os.ftruncate(descriptor, before.st_size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _free(path: Path) -> int:
    """The bytes free on the disk that `path` is or would be on."""
    return shutil.disk_usage(next(folder for folder in path.absolute().parents if folder.exists())).free
