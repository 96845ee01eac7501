"""A loaded study, with its cells in the order in which they are run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from jepa_core.errors import RecipeError
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.recipe.resolve import resolved
from jepa_core.registry import Registry
from jepa_core.study.cells import Cell, Stage, cell_overrides
from jepa_core.study.schema import Point, Study
from jepa_core.study.tuning import Tuning, read_tuning


@dataclass(frozen=True)
class Design:
    """study: the file's content; path: the file; recipes: arm -> its recipe's file; taken: name of a cell whose folder
    holds something else -> what."""

    study: Study
    path: Path
    recipes: dict[str, Path]
    taken: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return Path(self.study.output_dir)

    def tuning_cells(self, name: str) -> list[Cell]:
        """The arm's tuning runs, point by point; none for an arm without a grid."""
        tune, arm = self.study.tune, self.study.arms[name]
        if tune is None or not arm.grid:
            return []
        overrides = {point: cell_overrides(point, arm.overrides, tune.overrides) for point in arm.points}
        return [self._cell("tune", name, point, seed, overrides[point]) for point in arm.points for seed in tune.seeds]

    def report_cells(self, name: str, point: Point) -> list[Cell]:
        arm = self.study.arms[name]
        overrides = cell_overrides(point, arm.overrides, self.study.report.overrides)
        seeds = arm.seeds or self.study.seeds
        return [self._cell("report", name, point, seed, overrides) for seed in seeds]

    def _cell(self, stage: Stage, arm: str, point: Point, seed: int, overrides: tuple[str, ...]) -> Cell:
        cell = Cell(stage, arm, point, seed, self.root, self.recipes[arm], overrides)
        return replace(cell, taken=self.taken.get(cell.name, ""))

    def tuning(self, name: str) -> Tuning:
        """The state of the tuning that decides on this arm's point.

        Raises JepaError when its runs have no figure to choose by.
        """
        return read_tuning(self.tuning_cells(self.study.tuned_with(name)), self.study.tuning_metric)

    def known_cells(self, name: str) -> Iterator[Cell]:
        """Yields an arm's tuning cells and, if its point is known by then, the reported ones."""
        yield from self.tuning_cells(name)
        point = self.tuning(name).best
        if point is not None:
            yield from self.report_cells(name, point)

    @property
    def size(self) -> int:
        """Number of cells."""
        arms = self.study.arms.items()
        return sum(len(self.tuning_cells(name)) + len(arm.seeds or self.study.seeds) for name, arm in arms)

    @property
    def settled(self) -> int:
        """Number of cells that are finished or failed."""
        return sum(cell.settled for name in self.study.arms for cell in self.known_cells(name))

    @property
    def finished(self) -> bool:
        """Tells whether nothing is left to run."""
        names = self.study.arms
        return all(self.tuning(n).complete and all(c.settled for c in self.known_cells(n)) for n in names)

    def note_other_runs(self, registry: Registry) -> list[str]:
        """Notes the cells whose folders hold a run of another recipe, or something else: they are neither run nor
        counted. Returns a line for each that was not noted before."""
        before = dict(self.taken)
        for cells in (self.tuning_cells, self.known_cells):  # which is known hangs on how the tuning went
            for cell in [cell for name in self.study.arms for cell in cells(name)]:
                try:
                    _refuse_other_run(cell, registry)
                except FolderTaken as error:
                    self.taken[cell.name] = str(error)
                except RecipeError:  # damaged: the cell tells of it itself
                    continue
        return [f"left alone: {words}" for name, words in self.taken.items() if name not in before]


def _refuse_other_run(cell: Cell, registry: Registry) -> None:
    from jepa_core.launch.resume import other_recipe  # imports torch

    cell.folder.refuse_strangers()
    if changed := other_recipe(cell.folder, resolved(cell.recipe(registry), registry), registry):
        raise FolderTaken(
            f"{cell.folder.path}: the cell {cell.name} was run with another recipe (differs in "
            f"{', '.join(changed)}); give the study another output_dir, or remove that folder"
        )
