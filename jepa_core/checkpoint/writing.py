"""Writing a checkpoint whole or not at all, and removing leftovers of those that are half there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from jepa_core.checkpoint.manifest import seal
from jepa_core.folder.files import UNFINISHED
from jepa_core.folder.whole_folder import whole_folder


@contextmanager
def whole_checkpoint(target: Path, step: int, needed: int) -> Iterator[Path]:
    """Yields a folder to write the checkpoint of `step` into, which becomes `target` once everything in it is sealed.

    Leftovers of earlier attempts go first. needed: bytes that will be written, for the message. Raises NotWritten.
    """
    remove_leftovers(target.parent)
    with whole_folder(target, needed, partial(seal, step=step)) as draft:
        yield draft


def remove_leftovers(checkpoints: Path) -> None:
    """Removes what a killed process left of a checkpoint that it was writing or deleting."""
    for path in checkpoints.glob(f"checkpoint-*{UNFINISHED}"):
        shutil.rmtree(path, ignore_errors=True)
