"""A packed task: a folder of memory maps that has been checked once, and is opened without reading it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from jepa_core import DataError
from jepa_plugins.facts.draft import draft_beside, put_in_place
from jepa_plugins.facts.json_file import read_json
from jepa_plugins.facts.store_manifest import (
    DTYPES,
    MANIFEST,
    TRAIN,
    VOCABULARY,
    Manifest,
    evaluation_name,
    is_packed,
    read_manifest,
)
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.task import FactTask, fact_task
from jepa_plugins.facts.vocabulary import Vocabulary


def read_packed(folder: Path) -> FactTask:
    """The task in a packed folder, its sets still on disk.

    Raises DataError when files are missing or of the wrong size; their content is not looked at, see
    :func:`verify`.
    """
    manifest = read_manifest(folder)
    data = read_json(folder / VOCABULARY)
    vocabulary = Vocabulary.from_json(data if isinstance(data, dict) else {})
    train = PackedSet(folder, TRAIN, manifest.train, vocabulary.pad_id)
    sets, first = {}, len(train)
    for split, entry in manifest.evaluation.items():
        sets[split] = PackedSet(folder, evaluation_name(split), entry, vocabulary.pad_id, first)
        first += len(sets[split])
    return replace(fact_task(train, sets, vocabulary), reread=partial(verify, folder))


def verify(folder: Path) -> Manifest:
    """Reads every byte. Raises DataError for a file that is not what was packed."""
    manifest = read_manifest(folder)
    for name, file in manifest.files.items():
        with open(folder / name, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != file.sha256:
            raise DataError(
                f"{folder / name}: was changed since it was packed: expected sha256 {file.sha256}, it has {found}; "
                "pack it again"
            )
    return manifest


@contextmanager
def draft_of(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to write a packed task into; it takes the place of `folder` if nothing goes wrong.

    Raises DataError when there is something in `folder` that must not be overwritten: anything, or with
    `overwrite` anything but a packed task.
    """
    folder = folder.absolute()
    refuse_existing(folder, overwrite)
    with draft_beside(folder) as draft:
        yield draft
        put_in_place(draft, folder)


def refuse_existing(folder: Path, overwrite: bool) -> None:
    """Raises DataError when a packed task can't be written there."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: expected a folder, this is a file")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not is_packed(folder):
        raise DataError(f"{folder}: expected a new or an empty folder, there is something else in it")
    if not overwrite:
        raise DataError(f"{folder}: a packed task is there already; --overwrite replaces it")
    own = tuple(f".{array}.{dtype}" for array, dtype in DTYPES.items())
    names = {path.name for path in folder.iterdir() if not path.name.endswith(own)}
    if strangers := sorted(names - {MANIFEST, VOCABULARY}):
        raise DataError(f"{folder}: expected nothing but a packed task to replace, there is {', '.join(strangers)}")
