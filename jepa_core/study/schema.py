"""The study file: the recipes compared, their tuning, and the seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from jepa_core.paths import at_home
from jepa_core.registry.section import Conflict, Section

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Seeds = Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]
Overrides = Annotated[tuple[str, ...], Field(strict=False)]
#: Keys of a grid, each with a value as JSON, so that any value can be told from another.
Point = tuple[tuple[str, str], ...]
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,59}")


class Tune(Section):
    """The tuning of arms with a grid: the runs that choose a point of it."""

    seeds: Seeds = Field(description="Every point is run with each of these seeds.")
    overrides: Overrides = Field((), description="Of tuning runs only, e.g. [data.held_out=tune].")
    metric: str | None = Field(None, description="SPLIT.NAME to maximise; left out: the study's metric.")


class Report(Section):
    """The runs whose figures are reported."""

    overrides: Overrides = Field((), description="Of reported runs only, e.g. [data.held_out=report].")


class Arm(Section):
    """One side of the comparison: a recipe, and the changes to it."""

    recipe: str = Field(min_length=1, description="A file, as seen from the study's folder, or a shipped recipe.")
    label: str = Field("", description="What tables and curves call it; left out: the arm's key.")
    overrides: Overrides = Field((), description="Values changed in every run of this arm: [key=value, …].")
    grid: dict[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] = Field(
        default_factory=dict, description="Key -> values to try; every combination is a point."
    )
    seeds: Seeds | None = Field(None, description="Instead of the study's.")
    without: str | None = Field(
        None, description="The arm that this one is an ablation of; without a grid it takes that arm's point."
    )

    @property
    def points(self) -> list[Point]:
        """Every combination of the grid, the last key fastest; one empty point where there is no grid."""
        values = [[json.dumps(value, ensure_ascii=False) for value in of] for of in self.grid.values()]
        return [tuple(zip(self.grid, chosen, strict=True)) for chosen in product(*values)]

    @model_validator(mode="after")
    def _go_together(self) -> Arm:
        problems = [("seeds", "names a seed twice")] if _repeats(self.seeds or ()) else []
        fixed = {override.partition("=")[0] for override in self.overrides}
        problems += [("grid", f"'{key}' is among the overrides too") for key in self.grid if key in fixed]
        problems += [("grid", f"'{key}' names a value twice") for key, of in self.grid.items() if _repeats(of)]
        if problems:
            raise Conflict(*problems)
        return self


class Study(Section):
    """Arms, each tuned on its grid and then run with every seed."""

    description: str = Field("", description="What the study asks, for people.")
    output_dir: Annotated[str, AfterValidator(at_home)] = Field(
        min_length=1, description="Folder of the study; left out: runs/studies/ and its name."
    )
    metric: str = Field(
        min_length=1, description="SPLIT.NAME as in metrics.json: what curves show, and what tuning maximises."
    )
    metrics: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="Columns of the table beside the metric, in this order."
    )
    seeds: Seeds = Field(description="Every arm is run with each of these seeds.")
    tune: Tune | None = Field(None, description="How arms with a grid are tuned.")
    report: Report = Field(Report(overrides=()), description="What the reported runs have in common.")
    arms: dict[str, Arm] = Field(min_length=1, description="Name -> arm.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The metric first, then the others."""
        return tuple(dict.fromkeys((self.metric, *self.metrics)))

    @property
    def tuning_metric(self) -> str:
        return (self.tune.metric if self.tune else None) or self.metric

    @property
    def main_arms(self) -> list[str]:
        return [name for name, arm in self.arms.items() if arm.without is None]

    def ablations(self, name: str) -> list[str]:
        return [other for other, arm in self.arms.items() if arm.without == name]

    def label(self, name: str) -> str:
        return self.arms[name].label or name

    def tuned_with(self, name: str) -> str:
        """The arm whose tuning decides on the point of this one: itself, or the arm that it is an ablation of."""
        arm = self.arms[name]
        return name if arm.grid or arm.without is None else arm.without

    @model_validator(mode="after")
    def _go_together(self) -> Study:
        problems = [("seeds", "names a seed twice")] if _repeats(self.seeds) else []
        if self.tune and _repeats(self.tune.seeds):
            problems.append(("tune", "names a seed twice"))
        grids = [name for name, arm in self.arms.items() if arm.grid]
        if grids and not self.tune:
            problems.append(("tune", f"is missing, and '{grids[0]}' has a grid: give the seeds to tune with"))
        if self.tune and not grids:
            problems.append(("tune", "has no effect: no arm has a grid"))
        for column in dict.fromkeys((*self.columns, self.tuning_metric)):
            if "." not in column:
                key = {self.tuning_metric: "tune", self.metric: "metric"}.get(column, "metrics")
                problems.append((key, f"expected SPLIT.NAME, like test.mrr, not '{column}'"))
        problems += self._arm_problems()
        if problems:
            raise Conflict(*problems)
        return self

    def _arm_problems(self) -> Iterator[tuple[str, str]]:
        """Yields the problems with the arms' names, and with the arms they are `without`."""
        for name, arm in self.arms.items():
            if not _NAME.fullmatch(name):
                yield "arms", f"the name '{name}' becomes a folder's: letters, digits, - and _, at most 60"
            if arm.without is not None and (arm.without == name or arm.without not in self.arms):
                yield "arms", f"'{name}' is without '{arm.without}', which is no other arm of this study"
            elif arm.without is not None and self.arms[arm.without].without is not None:
                yield "arms", f"'{name}' is without '{arm.without}', which is an ablation itself"


def _repeats(values: tuple[Any, ...]) -> bool:
    return any(value in values[:place] for place, value in enumerate(values))
