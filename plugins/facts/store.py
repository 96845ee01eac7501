"""A packed task: a folder of memory maps, checked once and opened without reading them."""

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
from jepa_plugins.facts.store_content import check_content
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

#: The most bytes of a task that is compared with its hashes whenever it is read, which takes a few hundredths of a
#: second.
COMPARED = 1 << 24


def read_packed(folder: Path) -> FactTask:
    """Opens the task in a packed folder, whose sets stay on disk.

    Raises DataError when files are missing or of the wrong size. A small task is compared with its hashes, a large one
    is checked only where it is read, and by :func:`verify_packed`.
    """
    manifest = read_manifest(folder)
    if sum(file.bytes for file in manifest.files.values()) <= COMPARED and _changed(folder, manifest):
        verify_packed(folder)
    return _open(folder, manifest)


def verify_packed(folder: Path) -> Manifest:
    """Reads every byte. Raises DataError for a file that has changed since packing, naming the fact where possible."""
    manifest = read_manifest(folder)
    changed = _changed(folder, manifest)
    if VOCABULARY not in changed:  # else the facts may be right, and it is wrong
        _check_sets(folder, manifest)
    for name, found in changed.items():
        raise DataError(
            f"{folder / name}: was changed since it was packed: expected sha256 {manifest.files[name].sha256}, it has "
            f"{found}; pack it again"
        )
    return manifest


def _check_sets(folder: Path, manifest: Manifest) -> None:
    task = _open(folder, manifest)
    named = {TRAIN: (manifest.train, task.train)}
    named |= {evaluation_name(split): (entry, task.evaluation[split]) for split, entry in manifest.evaluation.items()}
    for name, (entry, facts) in named.items():
        check_content(folder, name, entry, facts, task.vocabulary)


def _open(folder: Path, manifest: Manifest) -> FactTask:
    vocabulary = _vocabulary(folder / VOCABULARY)
    ids = vocabulary.pad_id, vocabulary.size
    train = PackedSet(folder, TRAIN, manifest.train, *ids)
    sets, first = {}, len(train)
    for split, entry in manifest.evaluation.items():
        sets[split] = PackedSet(folder, evaluation_name(split), entry, *ids, first)
        first += len(sets[split])
    return replace(fact_task(train, sets, vocabulary), reread=partial(verify_packed, folder))


def _vocabulary(path: Path) -> Vocabulary:
    data = read_json(path)
    try:
        return Vocabulary.from_json(data if isinstance(data, dict) else {})
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _changed(folder: Path, manifest: Manifest) -> dict[str, str]:
    """File name -> sha256 of the files that have changed since packing."""
    found = {}
    for name, file in manifest.files.items():
        with open(folder / name, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != file.sha256:
            found[name] = digest
    return found


@contextmanager
def packed_draft(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Makes a folder to write a packed task into; it takes the place of `folder` if nothing goes wrong.

    Raises DataError when `folder` holds anything, or with `overwrite` anything but a packed task.
    """
    folder = folder.absolute()
    refuse_occupied(folder, overwrite)
    with draft_beside(folder) as draft:
        yield draft
        put_in_place(draft, folder)


def refuse_occupied(folder: Path, overwrite: bool) -> None:
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
