"""A cache folder for things that take long to make and can be made again: each is whole or not there.

``JEPA_CACHE`` names it, else it is ``~/.cache/jepa-core``. Whatever is in it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from filelock import FileLock

from jepa_core import DataError

T = TypeVar("T")
#: Seconds after which a draft belongs to nobody: it was killed, or its machine was.
ABANDONED = 24 * 3600.0


def cache_folder() -> Path:
    return Path(os.environ.get("JEPA_CACHE") or "~/.cache/jepa-core").expanduser().absolute() / "text"


def key_of(*parts: Any) -> str:
    """A name for the thing made of these parts, which are JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()[:40]


def cached(key: str, make: Callable[[Path], None], read: Callable[[Path], T | None]) -> T:
    """Reads the folder of this key; if there is nothing, one process makes it while the others wait.

    Raises DataError where the cache can't be written, and any error of `make`; then nothing is left of it.
    """
    folder = cache_folder() / key
    if (found := read(folder)) is not None:
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f".{key}.lock")
        with FileLock(lock):
            try:
                if read(folder) is None:
                    _make(folder, make)
            finally:
                with suppress(OSError):  # where an open file can't be removed, it stays, empty
                    lock.unlink()
    except OSError as error:
        why = error.strerror or str(error)
        raise DataError(f"{folder}: can't be written: {why}; JEPA_CACHE names another folder for it") from error
    found = read(folder)
    if found is None:
        raise DataError(f"{folder}: was changed while it was written; delete it")
    return found


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    _remove_abandoned(folder.parent)
    shutil.rmtree(folder, ignore_errors=True)  # something that is not whole
    draft = Path(mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        make(draft)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    for draft in parent.glob(".*.part"):
        with suppress(OSError):  # another process may remove it as well
            if time.time() - draft.stat().st_mtime > ABANDONED:
                shutil.rmtree(draft, ignore_errors=True)
