"""The newest whole checkpoint of this run, and never a silent fresh start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepa_core.checkpoint.choosing import OtherRecipe, chosen, in_order, newest, not_allowed
from jepa_core.checkpoint.manifest import BadCheckpoint, seal

RECIPE = {"seed": 1, "training": {"max_steps": 8, "learning_rate": 0.1}}


def add(checkpoints: Path, step: int, recipe: dict = RECIPE) -> Path:
    path = checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "state.json").write_text(json.dumps({"recipe": recipe}))
    seal(path, step)
    return path


def choose(checkpoints: Path, recipe: dict | None = RECIPE) -> tuple[Path | None, list[str]]:
    said: list[str] = []
    return newest(checkpoints, recipe, said.append), said


def test_of_the_most_steps(tmp_path):
    add(tmp_path, 9)
    latest = add(tmp_path, 10)  # as text it comes before 9
    assert choose(tmp_path) == (latest, [])


def test_other_folders_are_no_checkpoints(tmp_path):
    for name in ("checkpoint-best", "checkpoint-12-copy", "checkpoint-13.part", "tmp-checkpoint-14", "checkpoint-"):
        (tmp_path / name).mkdir()
    assert in_order(tmp_path) == []
    assert choose(tmp_path) == (None, [])
    assert choose(tmp_path / "nothing") == (None, [])


def test_bad_ones_are_passed_over_and_named(tmp_path):
    good = add(tmp_path, 2)
    (add(tmp_path, 4) / "state.json").write_text("{}")
    (add(tmp_path, 6) / "manifest.json").unlink()
    found, said = choose(tmp_path)
    assert found == good
    assert [line.split(": ")[1] for line in said] == [
        str(tmp_path / "checkpoint-6/manifest.json"),
        str(tmp_path / "checkpoint-4/state.json"),
    ]
    assert said[0].endswith("missing; going on from checkpoint-2, the one before")


def test_none_whole_is_an_error(tmp_path):
    for step in (2, 4):
        (add(tmp_path, step) / "state.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"no checkpoint to go on from(.|\n)*checkpoint-4(.|\n)*checkpoint-2"):
        choose(tmp_path)


def test_another_runs_is_passed_over(tmp_path):
    good = add(tmp_path, 2)
    other = add(tmp_path, 4, RECIPE | {"seed": 2})
    found, said = choose(tmp_path)
    assert (found, len(said)) == (good, 1)
    assert "of another run (its recipe differs in seed)" in said[0]
    assert choose(tmp_path, None) == (other, [])


@pytest.mark.parametrize("state", [[], {}, {"recipe": None}])
def test_one_without_a_recipe(tmp_path, state):
    path = add(tmp_path, 2)
    (path / "state.json").write_text(json.dumps(state))
    (path / "manifest.json").unlink()
    seal(path, 2)
    with pytest.raises(BadCheckpoint, match=r"state\.json: names no recipe"):
        choose(tmp_path)


class TestChosen:
    def test_is_as_good_as_its_files(self, tmp_path):
        path = add(tmp_path, 2)
        assert chosen(path, RECIPE) == path
        (path / "state.json").write_text("")
        for force in (False, True):
            with pytest.raises(BadCheckpoint, match=r"state\.json: has 0 bytes"):
                chosen(path, RECIPE, force)

    def test_is_of_this_recipe_or_forced(self, tmp_path):
        path = add(tmp_path, 2, RECIPE | {"seed": 2, "objective": {}})
        with pytest.raises(OtherRecipe, match=r"differs in seed, objective"):
            chosen(path, RECIPE)
        assert chosen(path, RECIPE, force=True) == path

    def test_is_there(self, tmp_path):
        with pytest.raises(BadCheckpoint, match="no checkpoint there"):
            chosen(tmp_path / "checkpoint-1", RECIPE)


@pytest.mark.parametrize(
    ("training", "changed"),
    [
        ({"max_steps": 9}, []),
        ({"max_steps": 7}, ["training.max_steps"]),
        ({"max_steps": None}, ["training.max_steps"]),
        ({"max_steps": 9, "learning_rate": 0.2}, ["training.learning_rate"]),
    ],
)
def test_only_more_steps_are_allowed(training, changed):
    assert not_allowed(RECIPE, {**RECIPE, "training": RECIPE["training"] | training}) == changed
