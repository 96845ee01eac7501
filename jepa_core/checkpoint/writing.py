"""Writing a folder whole or not at all, and saying why where the disk does not take it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from jepa_core.checkpoint.manifest import seal, sync
from jepa_core.errors import JepaError

#: Ends the name of a folder that is being written or deleted; nothing ever reads one.
UNFINISHED = ".part"


class NotWritten(JepaError):
    """The disk is full, or does not let us write; what was there before is still there."""


@contextmanager
def whole_folder(target: Path, step: int, needed: int) -> Iterator[Path]:
    """A folder to write into, which becomes `target` by one rename once everything in it is sealed.

    Leftovers of earlier attempts go first, and with them the space that they take. needed: bytes that will be
    written, for the message. Raises NotWritten.
    """
    draft = target.with_name(target.name + UNFINISHED)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        draft.mkdir()
        yield draft
        seal(draft, step)
        remove(target)  # a bad one of the same step
        draft.rename(target)
        sync(target.parent)
    except BaseException as error:
        space = _space(target, needed)  # before the draft gives its own back
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, (OSError, SafetensorError)):
            raise NotWritten(f"{target}: can't be written: {_reason(error)}; {space}") from error
        raise


def remove(folder: Path) -> None:
    """Deletes a folder so that half of it never bears its name."""
    if folder.exists():
        shutil.rmtree(folder.rename(folder.with_name(f"{folder.name}.old{UNFINISHED}")))


def remove_leftovers(parent: Path) -> None:
    """What a process that was killed left behind."""
    for path in parent.glob(f"*{UNFINISHED}"):
        shutil.rmtree(path, ignore_errors=True)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _space(target: Path, needed: int) -> str:
    place = next(path for path in target.parents if path.exists())
    free = shutil.disk_usage(place).free
    return f"it needs about {needed:,} bytes, {free:,} are free; older checkpoints are as they were"
