from __future__ import annotations

from pathlib import Path

from jepa_core.study.cells import Cell, cell_overrides, point_data, point_name
from tests.core.study.specimen import write_study

POINT = (("training.learning_rate", "0.001"), ("objective.distance", '"l2"'))


def test_a_point_is_readable_in_its_folders_name():
    assert point_name(POINT) == "training.learning_rate=0.001,objective.distance=l2"
    assert point_name(()) == "base"
    assert point_data(POINT) == {"training.learning_rate": 0.001, "objective.distance": "l2"}


def test_a_point_unfit_for_a_folder_becomes_a_hash():
    names = {
        point_name((("objective.distance", text),)) for text in ('"../x"', '{"name": "l2"}', '"' + "x" * 300 + '"')
    }
    assert len(names) == 3
    assert all(len(name) == 16 and name.isalnum() for name in names)


def test_what_is_said_later_wins():
    """An ablation can undo what its arm was tuned to; a stage has the last word."""
    assert cell_overrides((("a", "1"),), ["a=2"], ["a=3"]) == ("a=1", "a=2", "a=3")


def test_a_cell_is_a_recipe_and_a_folder(registry):
    write_study()
    overrides = cell_overrides(POINT, ["objective.k=2"], [])
    cell = Cell("tune", "ntp", POINT, 7, Path("out"), Path("recipes/tiny.yaml"), overrides)
    recipe = cell.recipe(registry)
    assert (recipe.seed, recipe.training.learning_rate, recipe.objective.k) == (7, 0.001, 2)
    assert recipe.objective.distance.name == "l2"
    assert cell.name == "tune/ntp/training.learning_rate=0.001,objective.distance=l2/seed-7"
    assert Path(recipe.output_dir) == cell.folder.path == Path("out/cells") / cell.name
    assert {path.parent for path in (cell.lock, cell.failure)} == {cell.folder.path.parent}, "a run's folder is its own"
