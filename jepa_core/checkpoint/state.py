"""The state in a checkpoint beside the weights: optimizer, schedule, random numbers, recipe, trainer state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerState

from jepa_core.checkpoint import random_states
from jepa_core.checkpoint.choosing import STATE
from jepa_core.checkpoint.manifest import BadCheckpoint, folder_name, json_of, regular_size
from jepa_core.checkpoint.optimizer import join_state, refuse_other_shapes, split_state
from jepa_core.errors import brief

OPTIMIZER = "optimizer.safetensors"
#: Under transformers' name for it, because its Trainer reads the file itself.
TRAINER = "trainer_state.json"

Read = TypeVar("Read")
_WRONG = (AttributeError, KeyError, IndexError, TypeError, ValueError, RuntimeError, OSError, SafetensorError)


def random_file(rank: int) -> str:
    return f"random_{rank}.safetensors"


def write_state(
    folder: Path,
    optimizer: dict[str, Any] | None,
    schedule: dict[str, Any],
    trainer: dict[str, Any],
    randoms: list[bytes],
    recipe: dict[str, Any] | None,
    made_with: dict[str, Any],
) -> None:
    """Writes everything but the weights.

    optimizer, schedule: their ``state_dict()``, the former None where it is in parts; trainer: TrainerState's fields;
    randoms: one for each process; made_with: the data and versions it was trained with."""
    plain: dict[str, Any] | None = None
    if optimizer is not None:
        tensors, plain = split_state(optimizer)
        save_file(tensors, folder / OPTIMIZER)
    for rank, packed in enumerate(randoms):
        (folder / random_file(rank)).write_bytes(packed)
    state = {"recipe": recipe, "processes": len(randoms), "made_with": made_with}
    state |= {"schedule": schedule, "optimizer": plain}
    (folder / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    (folder / TRAINER).write_text(json.dumps(trainer, indent=2) + "\n", encoding="utf-8")


def read_optimizer(folder: Path, optimizer: torch.optim.Optimizer) -> None:
    """Restores the optimizer's moments; rates, decays and the like are those of the run that resumes.

    Raises BadCheckpoint.
    """

    def load() -> None:
        state = join_state(_tensors(folder / OPTIMIZER), json_of(folder / STATE)["optimizer"])
        refuse_other_shapes(optimizer, state)
        for saved, group in zip(state["param_groups"], optimizer.param_groups, strict=True):
            saved |= {name: value for name, value in group.items() if name != "params"}
        optimizer.load_state_dict(state)

    _reading(folder / OPTIMIZER, load)


def read_schedule(folder: Path, schedule: LambdaLR) -> None:
    """Puts the learning rate where the schedule of the run that resumes has it at this step.

    With more steps, or another peak, that is not where it was left. Raises BadCheckpoint.
    """

    def load() -> None:
        saved = json_of(folder / STATE)["schedule"]
        places = {name: int(saved[name]) for name in ("last_epoch", "_step_count")}
        schedule.load_state_dict({**schedule.state_dict(), **places})
        by_group = zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
        rates = [peak * share(schedule.last_epoch) for peak, share in by_group]
        for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        schedule._last_lr = rates

    _reading(folder / STATE, load)


def read_random(folder: Path, rank: int) -> None:
    """Restores this process's random number generators. Raises BadCheckpoint."""
    path = folder / random_file(rank)
    regular_size(path)
    _reading(path, lambda: random_states.restore(path.read_bytes()))


def read_processes(folder: Path) -> int:
    """The number of processes that trained. Raises BadCheckpoint."""
    return _reading(folder / STATE, lambda: int(json_of(folder / STATE)["processes"]))


def read_trainer(folder: Path) -> TrainerState:
    """Reads the trainer's state. Raises BadCheckpoint when the trainer could not resume from it."""
    path = folder / TRAINER

    def load() -> TrainerState:
        state = TrainerState(**json_of(path))
        if folder.name != folder_name(int(state.global_step)):
            raise ValueError(f"is of step {state.global_step}")
        return state

    return _reading(path, load)


def _tensors(path: Path) -> dict[str, Tensor]:
    regular_size(path)
    return load_file(path)


def _reading(path: Path, load: Callable[[], Read]) -> Read:
    """Calls `load`; whatever a damaged or foreign file makes it raise becomes a BadCheckpoint that names the file."""
    try:
        return load()
    except _WRONG as error:
        raise BadCheckpoint(f"{path}: can't be used: {brief(error)}") from error
