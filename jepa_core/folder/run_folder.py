"""The folder of a run: what is where, and how far the run got."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError
from jepa_core.folder.lock import NAME as LOCK
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
        """Those under which it trained before it went on under the one of now."""
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
    def verification(self) -> Path:
        return self.path / "verify.json"

    @property
    def flops(self) -> Path:
        """Of a training step, where a study counted them."""
        return self.path / "flops.json"

    @property
    def finished(self) -> bool:
        return self.metrics.is_file() and self.recipe.is_file()

    @property
    def started(self) -> bool:
        return self.recipe.is_file()

    @property
    def captions(self) -> dict[str, str]:
        """What a reader of a set's figures should know, as the run noted it."""
        noted = load_yaml(self.recipe).data.get("resolved") if self.started else None
        found = noted.get("captions") if isinstance(noted, dict) else None
        return {str(name): str(words) for name, words in found.items()} if isinstance(found, dict) else {}

    def read_metrics(self) -> dict[str, Any]:
        return read_json(self.metrics)

    def refuse_strangers(self) -> None:
        """Raises FolderTaken when there is a file in the way, or something else than a run in the folder."""
        nearest = next(p for p in (self.path, *self.path.parents) if p.exists())
        if not nearest.is_dir():
            raise FolderTaken(f"{self.path}: {nearest} is a file; choose another output_dir")
        if nearest == self.path and not self.started and not self._untouched():
            raise FolderTaken(
                f"{self.path}: not empty and not a run's folder; jepa-run leaves it alone, choose another output_dir"
            )

    def _untouched(self) -> bool:
        """Nothing is there but perhaps the lock, and the empty folder that transformers' Trainer makes."""
        empty = {self.checkpoints} if self.checkpoints.is_dir() and not any(self.checkpoints.iterdir()) else set()
        return set(self.path.iterdir()) <= empty | {self.path / LOCK}

    def clear(self) -> None:
        """Removes what a run wrote there, and nothing else, for ``--overwrite``.

        Raises FolderTaken when the folder is something else than a run's.
        """
        self.refuse_strangers()
        for folder in (self.checkpoints, self.model):
            if folder.is_dir():
                shutil.rmtree(folder)
        # The recipe last: as long as it is there, this is a run's folder, and can be cleared again.
        written = (self.report, self.flops, self.metrics, self.log, self.vocabulary, self.verification)
        for file in (*written, *self.older_recipes, self.recipe):
            file.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """What a run wrote. Raises JepaError when the file is missing or was cut off."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JepaError(f"{path}: can't be read: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises JepaError when the place does not take it."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all. Raises JepaError when the place does not take it."""
    draft = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise JepaError(f"{path}: can't be written: {error.strerror}") from error


def write_json(path: Path, data: Any) -> None:
    """Writes JSON whole or not at all. Raises ValueError for NaN, which JSON does not have."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
