"""Checks the recipes of a study: every arm at every point of its grid, in every stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jepa_core.errors import Problem, RecipeError
from jepa_core.paths import at_home
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.schema import Recipe
from jepa_core.recipe.sources import find_recipe
from jepa_core.registry import Registry
from jepa_core.registry.places import KeyPath
from jepa_core.study.cells import cell_overrides
from jepa_core.study.schema import Arm, Point, Report, Tune

Add = Callable[[KeyPath, str], None]
AddForeign = Callable[[KeyPath, Problem], None]


@dataclass(frozen=True)
class _Given:
    """The changes to an arm's recipe in one stage, with the places of their keys in the study."""

    name: str
    arm: Arm
    stage: str
    stage_overrides: tuple[str, ...]
    grid: str  # the arm whose grid the points are of

    def place(self, key: str) -> KeyPath:
        """The place that sets the longest beginning of a dotted key; the arm's where none does."""
        known: dict[str, KeyPath] = {of: ("arms", self.grid, "grid", of) for of in self.arm.grid}
        for home, overrides in ((("arms", self.name), self.arm.overrides), ((self.stage,), self.stage_overrides)):
            known |= {text.partition("=")[0]: (*home, "overrides", i) for i, text in enumerate(overrides)}
        parts = key.split(".")
        beginnings = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((known[of] for of in beginnings if of in known), ("arms", self.name))


def check_recipes(
    data: dict[str, Any], path: Path, registry: Registry, add: Add, add_foreign: AddForeign
) -> dict[str, Path]:
    """Checks the recipes of all readable arms of this study's `data`; returns arm -> recipe file.

    path: the study's file; add, add_foreign: take the problems here, and those in a recipe's file.
    """
    arms = dict(_readable_arms(data))
    files: dict[str, Path] = {}
    for name, arm in arms.items():
        try:
            files[name] = _recipe_file(arm.recipe, path)
        except RecipeError as error:
            add(("arms", name, "recipe"), f"'{arm.recipe}': {error.problems[0].message}")
            continue
        grid = name if arm.grid or arm.without not in arms else arm.without
        for stage, overrides in _stages(data):
            if stage == "report" or arm.grid:
                given = _Given(name, arm, stage, overrides, grid or name)
                for point in arms[given.grid].points:
                    if recipe := _load(given, point, files[name], registry, add, add_foreign):
                        _check_metrics(data, recipe, name, add)
    return files


def _readable_arms(data: dict[str, Any]) -> Iterator[tuple[str, Arm]]:
    arms = data.get("arms")
    for name, raw in arms.items() if isinstance(arms, dict) else ():
        with suppress(ValidationError):
            yield name, Arm.model_validate(raw)


def _stages(data: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields name and overrides of each stage that can be read."""
    with suppress(ValidationError):
        yield "report", Report.model_validate(data.get("report", {})).overrides
    with suppress(ValidationError):
        yield "tune", Tune.model_validate(data.get("tune")).overrides


def _recipe_file(recipe: str, path: Path) -> Path:
    """Finds a recipe file, beside the study, or a shipped recipe."""
    beside = path.parent / at_home(recipe)
    return find_recipe(beside if beside.is_file() or beside.suffix else recipe)


def _load(
    given: _Given, point: Point, file: Path, registry: Registry, add: Add, add_foreign: AddForeign
) -> Recipe | None:
    try:
        return load_recipe(file, cell_overrides(point, given.arm.overrides, given.stage_overrides), registry)
    except RecipeError as error:
        for problem in error.problems:
            if problem.where == "command line":
                add(given.place(problem.key), f"{problem.key}: {problem.message}")
            else:
                add_foreign(("arms", given.name, "recipe"), problem)
        return None


def _check_metrics(data: dict[str, Any], recipe: Recipe, name: str, add: Add) -> None:
    """Adds each metric of a split that the arm does not evaluate."""
    named: list[tuple[KeyPath, Any]] = [(("metric",), data.get("metric"))]
    columns = data.get("metrics")
    named += [(("metrics", i), metric) for i, metric in enumerate(columns if isinstance(columns, list) else ())]
    for path, metric in named:
        split, dot, _ = str(metric).partition(".")
        splits = recipe.evaluation.splits
        if dot and splits is not None and split not in splits:
            add(path, f"'{name}' evaluates {', '.join(splits)}, not '{split}'")
