"""The seal of a checkpoint: the size and sha256 of each of its files, written last and checked before reading."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError
from jepa_core.folder.files import UNFINISHED
from jepa_core.folder.whole_folder import sync, whole_folder

NAME = "manifest.json"
#: Begins the name of every checkpoint's folder.
PREFIX = "checkpoint-"
FORMAT = 1
#: A manifest or state file that is longer is not one of ours.
MAX_JSON = 64 << 20


class BadCheckpoint(JepaError):
    """A checkpoint is not what was written; the message names the file and what is wrong with it."""


@contextmanager
def whole_checkpoint(target: Path, step: int, needed: int) -> Iterator[Path]:
    """Yields a folder to write the checkpoint of `step` into, which becomes `target` once everything in it is sealed.

    Leftovers of a killed process, which was writing or deleting a checkpoint, go first. needed: bytes that will be
    written, for the message. Raises NotWritten.
    """
    for left in target.parent.glob(f"{PREFIX}*{UNFINISHED}"):
        shutil.rmtree(left, ignore_errors=True)
    with whole_folder(target, needed, partial(seal, step=step)) as draft:
        yield draft


def seal(folder: Path, step: int) -> None:
    """Syncs every file of `folder` to the disk, writes the manifest over them, then syncs the folder.

    Raises OSError when the disk does not take it.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        digest = sha256(path)
        sync(path)
        files[path.name] = {"bytes": path.stat().st_size, "sha256": digest}
    manifest = {"format": FORMAT, "step": step, "files": files}
    with open(folder / NAME, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    sync(folder)


def check_checkpoint(folder: Path) -> int:
    """Checks every file of a checkpoint against its manifest; returns the checkpoint's step.

    Raises BadCheckpoint naming the first file that is not what the manifest says.
    """
    manifest = json_of(folder / NAME)
    try:
        number, step, files = manifest["format"], manifest["step"], dict(manifest["files"])
        expected = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in files.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise BadCheckpoint(f"{folder / NAME}: not a checkpoint's manifest") from error
    if number != FORMAT:
        raise BadCheckpoint(f"{folder / NAME}: format {number!r} is not known here, only {FORMAT}")
    if folder.name != folder_name(step):
        raise BadCheckpoint(f"{folder / NAME}: is that of step {step!r}, not of {folder.name}")
    present = {path.name for path in folder.iterdir()} - {NAME}
    for name in sorted(expected.keys() | present):
        if name not in expected:
            raise BadCheckpoint(f"{folder / name}: not named in the manifest")
        _check_file(folder, name, *expected[name])
    return step


def _check_file(folder: Path, name: str, size: int, digest: str) -> None:
    path = folder / name
    if Path(name).name != name:
        raise BadCheckpoint(f"{folder / NAME}: names {name!r}, which is no file of this folder")
    found = regular_size(path)
    if found != size:
        raise BadCheckpoint(f"{path}: has {found:,} bytes, the manifest says {size:,}")
    try:
        same = sha256(path) == digest
    except OSError as error:
        raise BadCheckpoint(f"{path}: can't be read: {error.strerror}") from error
    if not same:
        raise BadCheckpoint(f"{path}: its content is not what was written (sha256 differs)")


def folder_name(step: int) -> str:
    """The name of the folder for a step's checkpoint."""
    return f"{PREFIX}{step}"


def step_of(folder: Path) -> int:
    """The step of a checkpoint, by the name of its folder; -1 for a folder of any other name.

    >>> step_of(Path("checkpoints/checkpoint-500")), step_of(Path("checkpoints/checkpoint-500.part"))
    (500, -1)
    """
    step = folder.name.removeprefix(PREFIX)
    return int(step) if folder.name == f"{PREFIX}{step}" and step.isdecimal() else -1


def regular_size(path: Path) -> int:
    """The size in bytes of a regular file: a pipe or device would never end, a link leads elsewhere.

    Raises BadCheckpoint for anything else.
    """
    try:
        found = path.lstat()
    except OSError as error:
        raise BadCheckpoint(
            f"{path}: {'missing' if isinstance(error, FileNotFoundError) else error.strerror}"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise BadCheckpoint(f"{path}: not a regular file")
    return found.st_size


def json_of(path: Path) -> Any:
    """Reads JSON of a checkpoint. Raises BadCheckpoint when there is none, or it is too large or nested too deep."""
    if regular_size(path) > MAX_JSON:
        raise BadCheckpoint(f"{path}: larger than {MAX_JSON >> 20} MiB")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadCheckpoint(f"{path}: can't be read: {error}") from error


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
