"""Writing a folder whole or not at all, and saying why where the disk does not take it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from jepa_core.folder.files import UNFINISHED, NotWritten, remove


def sync_files(folder: Path) -> None:
    """Waits until the disk has every file of a folder, and the folder."""
    for path in sorted(folder.iterdir()):
        sync(path)
    sync(folder)


@contextmanager
def whole_folder(
    target: Path, needed: int, finish: Callable[[Path], object] = sync_files, hidden: bool = False
) -> Iterator[Path]:
    """Yields a folder to write into, which becomes `target` by one rename when everything in it is on the disk.

    The former `target` goes; where it was a link, only the link does. A leftover of an earlier attempt goes first, and
    with it the space that it takes. needed: bytes that will be written, for the message; finish: is called with the
    written folder, and syncs it to the disk; hidden: until then its name begins with a dot, for places where the user
    may have a folder of the name without it. Raises NotWritten.
    """
    draft = draft_of(target, hidden)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in (draft,) if hidden else (draft, _retired(target)):
            remove(left)
        draft.mkdir()
        yield draft
        finish(draft)
        _put_in_place(draft, target)
    except BaseException as error:
        told = NotWritten(target, error, needed) if isinstance(error, OSError | SafetensorError) else None
        shutil.rmtree(draft, ignore_errors=True)  # after the free space was looked at
        if told:
            raise told from error
        raise


def draft_of(target: Path, hidden: bool = False) -> Path:
    """The path of a folder while it is written."""
    return target.with_name("." * hidden + target.name + UNFINISHED)


def _put_in_place(draft: Path, target: Path) -> None:
    """Gives a finished draft its name, and its files the mode that the user's umask asks for."""
    open_to = draft.stat().st_mode & 0o666  # safetensors makes files that nobody else may read
    for path in draft.iterdir():
        if path.is_file():
            path.chmod(open_to)
    if target.exists() and not any(target.iterdir()) and not target.is_symlink():
        target.rmdir()
    retire(target)
    draft.rename(target)
    sync(target.parent)


def retire(folder: Path) -> None:
    """Deletes a folder under another name, so that half of it never bears its own; of a link only the link."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        remove(folder.rename(_retired(folder)))


def _retired(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old{UNFINISHED}")


def sync(path: Path) -> None:
    """Waits until the disk has what was written into a file, or the entries of a folder."""
    if os.name == "nt" and path.is_dir():  # Windows can't be asked for it
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
