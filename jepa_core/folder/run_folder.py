"""The folder of a run: what is where, and how far the run got."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError
from jepa_core.folder.files import UNFINISHED, finite_number, read_json, reason, refuse_read_only, remove
from jepa_core.folder.lock import NAME as LOCK
from jepa_core.folder.ours import is_ours
from jepa_core.recipe.strict_yaml import load_yaml


class FolderTaken(JepaError):
    """The output folder holds a run of another recipe, or something else."""

    exit_status = 2


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run's folder. The run is finished when ``metrics.json``, written last, is there."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.resolved.yaml"

    @property
    def older_recipes(self) -> list[Path]:
        """The recipes that the run trained under before the present one."""
        return sorted(self.path.glob("recipe.until-step-*.yaml"))

    def recipe_until(self, step: int) -> Path:
        return self.path / f"recipe.until-step-{step}.yaml"

    @property
    def vocabulary(self) -> Path:
        return self.path / "vocabulary.json"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def log(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def card(self) -> Path:
        """The README of the run; where the user has a file of this name, that one stays."""
        return self.path / "README.md"

    @property
    def verification(self) -> Path:
        return self.path / "verify.json"

    @property
    def flops(self) -> Path:
        """The FLOPs of a training step, where a study counted them."""
        return self.path / "flops.json"

    @property
    def learned(self) -> Path:
        """The folder in which a run with a rehearsal learns before it asks; a run's folder of its own."""
        return self.path / "learned"

    @property
    def rehearsed(self) -> Path:
        """The rows that a run with a rehearsal rehearses."""
        return self.path / "rehearsed.jsonl"

    @property
    def finished(self) -> bool:
        return self.metrics.is_file() and self.recipe.is_file()

    @property
    def started(self) -> bool:
        return self.recipe.is_file()

    @property
    def captions(self) -> dict[str, str]:
        """Set or group -> hint for readers of its figures, as the run noted it."""
        noted = load_yaml(self.recipe).data.get("resolved") if self.started else None
        found = noted.get("captions") if isinstance(noted, dict) else None
        return {str(name): str(words) for name, words in found.items()} if isinstance(found, dict) else {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that a run writes; ``metrics.json`` first, as without it no run is finished."""
        written = (self.metrics, self.report, self.flops, self.log, self.vocabulary, self.verification)
        return (*written, self.rehearsed, *self.older_recipes, self.recipe)

    def read_metrics(self) -> dict[str, dict[str, Any]]:
        """Reads split -> name -> figure, or anything else that an evaluation returned.

        Raises JepaError when the file is missing, cut off, or says something else.
        """
        found = read_json(self.metrics)
        if not isinstance(found, dict) or not all(isinstance(of, dict) for of in found.values()):
            raise JepaError(f'{self.metrics}: not the metrics of a run: expected {{"split": {{"name": figure}}}}')
        for split, figures in found.items():
            for name, value in figures.items():
                if not (value is None or isinstance(value, dict | list) or finite_number(value) is not None):
                    raise JepaError(f"{self.metrics}: {split}.{name}: expected a figure, not {str(value)[:40]!r}")
        return found

    def refuse_strangers(self) -> None:
        """Raises FolderTaken when a file or a link that leads nowhere is in the way, or the folder holds something
        other than a run; JepaError when it can't be looked into."""
        try:
            nearest = next(p for p in (self.path, *self.path.parents) if os.path.lexists(p))
            for link in (nearest, self.checkpoints, self.model):
                if link.is_symlink() and not link.exists():
                    raise FolderTaken(f"{self.path}: {link} is a link that leads nowhere; choose another output_dir")
            if not nearest.is_dir():
                raise FolderTaken(f"{self.path}: {nearest} is a file; choose another output_dir")
            if nearest == self.path and not self.started and not self._untouched():
                message = "not empty and not a run's folder; jepa-run leaves it alone, choose another output_dir"
                raise FolderTaken(f"{self.path}: {message}")
        except OSError as error:
            raise JepaError(f"{error.filename or self.path}: can't be read: {reason(error)}") from error

    def refuse_leading_out(self, *places: Path) -> None:
        """Raises JepaError naming a link that leads out of the folder, a pipe or a device, among `places` or in their
        folders. None of these is opened just to look at a run, which somebody may have sent."""
        root = self.path.resolve()
        try:
            for path in _with_contents(places):
                _refuse_circle(path)
                if not path.resolve().is_relative_to(root):  # it, or a folder that it is in, is such a link
                    raise JepaError(f"{path}: a link that leads out of the run's folder; it is not followed")
                if path.exists() and not (path.is_file() or path.is_dir()):
                    raise JepaError(f"{path}: not a regular file; it is not opened")
        except OSError as error:
            raise JepaError(f"{error.filename or self.path}: can't be read: {reason(error)}") from error

    def refuse_read_only(self) -> None:
        """Raises NotWritten when this user may not write there, before anything that takes long."""
        refuse_read_only(self.path)

    def _untouched(self) -> bool:
        """Tells whether nothing is there but leftovers of a run that was stopped before it had written its recipe."""
        empty = {self.checkpoints} if self.checkpoints.is_dir() and not any(self.checkpoints.iterdir()) else set()
        unfinished = {path.with_name(path.name + UNFINISHED) for path in self.files}
        return set(self.path.iterdir()) <= {*empty, *unfinished, self.path / LOCK}

    def clear(self) -> None:
        """Removes what a run wrote there but for its recipe, and nothing else, for ``--overwrite``.

        With the recipe there, this stays a run's folder, which can be cleared again. Where a folder was moved and
        linked, only the link goes. Raises FolderTaken when this is something other than a run's folder.
        """
        self.refuse_strangers()
        try:
            own = [self.card] if is_ours(self.card) else []
            for path in (*self.files, *own, self.checkpoints, self.model):
                if path != self.recipe:
                    remove(path)
                    remove(path.with_name(path.name + UNFINISHED))
        except OSError as error:
            raise JepaError(f"{error.filename or self.path}: can't be removed: {reason(error)}") from error

    @contextmanager
    def leaving_no_trace(self) -> Iterator[None]:
        """Removes the empty folders that were made in this context, when it ends in an error."""
        new = [path for path in (self.checkpoints, self.path, *self.path.parents) if not path.exists()]
        try:
            yield
        except BaseException:
            for path in new:
                with suppress(OSError):  # not empty: it is somebody's
                    path.rmdir()
            raise


def _refuse_circle(path: Path) -> None:
    """Raises OSError for links in a circle, which nothing else complains of from Python 3.13 on."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.stat()


def _with_contents(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield place
        if place.is_dir() and not place.is_symlink():
            yield from _with_contents(sorted(place.iterdir()))
