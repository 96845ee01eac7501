"""Objectives that can't be split are refused, with the line, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.distributed.fsdp import FSDPModule

from jepa_core.assembly.build import build
from jepa_core.assembly.trainer import check_training
from jepa_core.errors import JepaError, RecipeError
from jepa_core.training.sharding import unsplittable
from jepa_plugins.infonce_distance import InfoNceDistance
from tests.parallel import Projected
from tests.support import small_model, small_objective
from tests.tiny_runs import REGISTRY, tiny

TELLS = "set_reduce_scatter_unused_params"


@pytest.fixture(autouse=True)
def any_torch(monkeypatch):
    """Makes what is told independent of the torch that runs the tests."""
    monkeypatch.setattr(FSDPModule, TELLS, None, raising=False)


def test_a_torch_that_is_too_old(monkeypatch):
    """Processes whose samples miss a parameter would wait for each other for ever."""
    monkeypatch.delattr(FSDPModule, TELLS)
    words = f"needs torch 2.13 or newer; here is {torch.__version__}"
    assert unsplittable(small_objective(small_model())) == words


def test_a_number_without_an_axis():
    objective = small_objective(small_model(), distance=InfoNceDistance(learn_temperature=True))
    assert unsplittable(objective) == "can't split distance.log_scale, a single number without an axis"


def test_parameters_of_two_kinds_of_number():
    objective = small_objective(small_model().to(torch.bfloat16), distance=Projected())
    assert "can't split parameters of bfloat16 and float32 together" in unsplittable(objective)


def test_everything_else_can():
    assert unsplittable(small_objective(small_model(), distance=Projected())) == ""


def test_it_is_told_with_its_line_before_anything_is_made(tmp_path: Path):
    distance = "objective.distance={name: infonce, learn_temperature: true}"
    run = build(tiny(tmp_path / "run", "training.fsdp=true", distance), REGISTRY, "cpu")
    with pytest.raises(RecipeError, match=r"training\.fsdp: can't split distance\.log_scale"):
        check_training(run)
    with pytest.raises(RecipeError, match=r"training\.fsdp"):
        _ = run.trainer
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"])
def test_what_the_launcher_would_do_silently_is_refused(tmp_path, monkeypatch, name):
    """accelerate would run DDP instead on a CPU, and say nothing."""
    monkeypatch.setenv(name, "true")
    run = build(tiny(tmp_path / "run"), REGISTRY, "cpu")
    with pytest.raises(JepaError, match=rf"{name}\); say training.fsdp: true in the recipe"):
        check_training(run)
