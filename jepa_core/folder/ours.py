"""Files for people that are written again and again, told apart from the user's own files of the same name."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError
from jepa_core.folder.files import UNFINISHED, write_bytes

#: Marks within the first bytes of a file of ours: pages, JSON, tables, pictures of two kinds.
PAGE = '<meta name="generator" content="jepa-core">'
TABLE = "<!-- generator: jepa-core -->"
PICTURES: dict[str, dict[str, Any]] = {
    "png": {"Software": "jepa-core"},
    "svg": {"Creator": "jepa-core", "Date": None},  # without the date, so that the same picture is the same file
}
_JSON = {"generator": "jepa-core"}
_MARKS = (PAGE, TABLE, '"generator": "jepa-core"', "Software\0jepa-core", "<dc:title>jepa-core</dc:title>")
_BEGINNING = 4096


def refuse_foreign(*paths: Path) -> None:
    """Raises JepaError naming the first file that is there and was written by somebody else."""
    for path in paths:
        if os.path.lexists(path) and not is_ours(path):
            raise JepaError(f"{path}: exists and is none that jepa-run wrote; move it away, or write somewhere else")


def write_own(path: Path, content: bytes) -> None:
    """Writes a file that bears one of our marks, over an older one too. Raises JepaError for somebody else's."""
    refuse_foreign(path)
    draft = path.with_name(path.name + UNFINISHED)
    if draft.is_file() and not draft.is_symlink() and draft.stat().st_size:  # for a link, only the link would go
        refuse_foreign(draft)
    write_bytes(path, content)


def write_own_json(path: Path, data: dict[str, Any]) -> None:
    """Writes JSON with our mark as its first key."""
    write_own(path, (json.dumps(_JSON | data, indent=2, allow_nan=False) + "\n").encode())


def is_ours(path: Path) -> bool:
    """Tells whether `path` is a file that bears one of our marks."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with open(path, "rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:
        return False
    return any(mark.encode() in beginning for mark in _MARKS)
