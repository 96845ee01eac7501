"""A stage's result: a JSON file that is whole at any moment, so that it outlives the stage."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Skipped(Exception):
    """The stage can't run here; says why."""


@dataclass
class Result:
    """The result of a stage.

    state: running; ok; beyond (it ran, and a bound was not met); failed (it did not run to its end); skipped.
    reason: of every state but the first two; began, deadline: seconds of ``time.time()``; tables: caption -> rows.
    """

    stage: str
    state: str = "running"
    reason: str = ""
    began: float = 0.0
    deadline: float = 0.0
    seconds: float = 0.0
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    folder: Path | None = None

    def row(self, caption: str, **values: Any) -> None:
        self.tables.setdefault(caption, []).append(values)
        self.save()

    def note(self, words: str) -> None:
        self.notes.append(words)
        self.save()

    def beyond(self, reason: str) -> None:
        """A bound was not met; the stage goes on. Of several reasons the first is kept."""
        self.reason = self.reason or reason

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.time()

    @property
    def ended(self) -> bool:
        return self.state != "running"

    def end(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self.save()

    def save(self) -> None:
        self.seconds = round(time.time() - self.began, 1)
        if self.folder is not None:
            content = {name: value for name, value in vars(self).items() if name != "folder"}
            write_whole(self.folder / f"{self.stage}.json", json.dumps(content, indent=1, default=str))


def begin(folder: Path, stage: str, deadline: float) -> Result:
    result = Result(stage, began=time.time(), deadline=deadline, folder=folder)
    result.save()
    return result


def read(folder: Path, stage: str) -> Result | None:
    """None where the stage has not begun."""
    path = folder / f"{stage}.json"
    return Result(**json.loads(path.read_text(encoding="utf-8")), folder=folder) if path.is_file() else None


def write_whole(path: Path, text: str) -> None:
    """Whoever reads `path` meanwhile finds the old text or the new."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
