from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe import trackers
from jepa_core.recipe.trackers import refuse_missing_trackers

TEXT = "training:\n  report_to: [mlflow, wandb]\n"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Makes a module of this name that can be found, and hides those that are there."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    (tmp_path / "site").mkdir()
    for name in ("tensorboard", "tensorboardX", "mlflow", "wandb"):  # found there where something imported it
        monkeypatch.delitem(sys.modules, name, raising=False)

    def installed(name: str) -> None:
        (tmp_path / "site" / f"{name}.py").touch()

    return installed


def test_the_missing_one_is_named_with_its_line(load, installed):
    installed("mlflow")
    with pytest.raises(RecipeError) as caught:
        refuse_missing_trackers(load(TEXT))
    words = "the package 'wandb' is not installed: pip install wandb, or leave it out"
    assert str(caught.value) == f"r.yaml:2: training.report_to.1: {words}"


def test_those_that_are_there_are_fine(load, installed):
    installed("mlflow")
    installed("wandb")
    refuse_missing_trackers(load(TEXT))
    refuse_missing_trackers(load("seed: 1"))


def test_the_folder_that_wandb_writes_is_no_package(load, installed):
    installed("mlflow")
    Path(sys.path[0], "wandb").mkdir()
    with pytest.raises(RecipeError, match="wandb"):
        refuse_missing_trackers(load(TEXT))


def test_either_tensorboard_will_do(load, installed):
    recipe = load("training: {report_to: [tensorboard]}")
    with pytest.raises(RecipeError):
        refuse_missing_trackers(recipe)
    installed("tensorboardX")
    refuse_missing_trackers(recipe)
    assert set(trackers._MODULES) == {"tensorboard"}
