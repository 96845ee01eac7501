"""A study's runs: one cell for each arm, grid point and seed, in two stages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry
from jepa_core.study.schema import Point

Stage = Literal["tune", "report"]
_AS_FOLDER = re.compile(r"[\w.,=+-]{1,120}")


@dataclass(frozen=True)
class Cell:
    """One run. folder: ``STUDY/cells/STAGE/ARM/POINT/seed-N``; recipe_file, overrides: what it runs; taken: what its
    folder holds instead, where that is no run of the cell."""

    stage: Stage
    arm: str
    point: Point
    seed: int
    root: Path
    recipe_file: Path
    overrides: tuple[str, ...]
    taken: str = ""

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.arm}/{point_name(self.point)}/seed-{self.seed}"

    @cached_property
    def folder(self) -> RunFolder:
        return RunFolder(self.root / "cells" / self.name)

    @property
    def lock(self) -> Path:
        return self._beside(".lock")

    @property
    def failure(self) -> Path:
        """The file that says why the run failed, where it did."""
        return self._beside(".failed.json")

    @property
    def settled(self) -> bool:
        return bool(self.taken) or self.folder.finished or self.failure.is_file()

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The metrics of a finished run; none of one that is not finished, or whose file is damaged."""
        try:
            return self.folder.read_metrics() if self.folder.finished and not self.taken else {}
        except JepaError:
            return {}

    def recipe(self, registry: Registry) -> Recipe:
        own = (_given("seed", self.seed), _given("output_dir", str(self.folder.path)))
        return load_recipe(self.recipe_file, (*self.overrides, *own), registry)

    def _beside(self, suffix: str) -> Path:
        return self.folder.path.with_name(self.folder.path.name + suffix)


def cell_overrides(point: Point, own: Sequence[str], stage: Sequence[str]) -> tuple[str, ...]:
    """Joins overrides: the grid's point first, so that an ablation may change it, then the arm's, then the stage's."""
    return (*(f"{key}={value}" for key, value in point), *own, *stage)


def point_name(point: Point) -> str:
    """A name fit for a folder: ``training.learning_rate=0.001,training.weight_decay=0``, or a hash where it must be."""
    text = ",".join(f"{key}={value}" for key, value in point).replace('"', "")
    if not point:
        return "base"
    return text if _AS_FOLDER.fullmatch(text) else sha256(text.encode()).hexdigest()[:16]


def point_data(point: Point) -> dict[str, Any]:
    """Key -> value of a point, read from JSON."""
    return {key: json.loads(value) for key, value in point}


def _given(key: str, value: object) -> str:
    return f"{key}={json.dumps(value, ensure_ascii=False)}"
