"""The folder of a run: what is where, and how far the run got."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError


@dataclass(frozen=True)
class RunFolder:
    """Paths in a run's folder. The run is finished when ``metrics.json``, written last, is there."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.resolved.yaml"

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
    def finished(self) -> bool:
        return self.metrics.is_file() and self.recipe.is_file()

    @property
    def started(self) -> bool:
        return self.recipe.is_file()

    def last_checkpoint(self) -> Path | None:
        """The checkpoint of the most steps among the complete ones.

        ``trainer_state.json`` is written last, so a folder that has it is complete.
        """
        complete = [p for p in self.checkpoints.glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
        return max(complete, key=lambda p: int(p.name.split("-")[1]), default=None)

    def read_metrics(self) -> dict[str, Any]:
        return json.loads(self.metrics.read_text(encoding="utf-8"))

    def clear(self) -> None:
        """Removes the run, for ``--overwrite``.

        Raises JepaError when the folder is something else than a run's.
        """
        if self.path.exists() and not self.started and any(self.path.iterdir()):
            raise JepaError(f"{self.path}: not a run's folder, so --overwrite leaves it alone")
        shutil.rmtree(self.path, ignore_errors=False) if self.path.exists() else None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def write_json(path: Path, data: Any) -> None:
    """Writes JSON whole or not at all. Raises ValueError for NaN, which JSON does not have."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
