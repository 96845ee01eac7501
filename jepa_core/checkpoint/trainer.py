"""transformers' Trainer with checkpoints of our own: whole or not there, and nothing pickled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn
from transformers import Trainer

from jepa_core.checkpoint import random_states
from jepa_core.checkpoint.choosing import in_order
from jepa_core.checkpoint.manifest import BadCheckpoint, folder_name, whole_checkpoint
from jepa_core.checkpoint.parts import (
    bytes_of,
    in_parts,
    optimizer_of,
    read_optimizer_parts,
    read_parts,
    weights_of,
    write_parts,
)
from jepa_core.checkpoint.state import (
    random_file,
    read_optimizer,
    read_random,
    read_schedule,
    read_trainer,
    write_state,
)
from jepa_core.checkpoint.weights import load_weights, save_weights
from jepa_core.distributed import by_all, by_first, host_group
from jepa_core.folder.whole_folder import draft_of, retire

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective


class CheckpointTrainer(Trainer):
    """A Trainer that resumes from its checkpoints bit by bit.

    recipe: as plain data, kept in every checkpoint, so that none is taken for another run's; made_with: the data and
    versions compared beside it; sharded: whether checkpoints are written in parts, one a process.
    """

    sharded: bool = False

    objective: JepaObjective
    recipe: dict[str, Any] | None = None
    made_with: Mapping[str, Any] = MappingProxyType({})

    def _save_checkpoint(self, model: nn.Module, trial: object) -> None:
        """Writes a checkpoint. Raises JepaError in all processes when it can't be written, or must not."""
        randoms = random_states.gather(random_states.capture(), self.args.device)
        write = self._write_parts if self.sharded else self._write_whole
        write(Path(str(self.args.output_dir)), randoms)

    def _write_whole(self, checkpoints: Path, randoms: list[bytes]) -> None:
        by_first(lambda: self._write(checkpoints, randoms), self.args.device)

    def _write(self, checkpoints: Path, randoms: list[bytes]) -> None:
        step, state = self.state.global_step, self._trained_by.state_dict()
        target, needed = checkpoints / folder_name(step), _size(self.objective.state_dict(), state)
        with whole_checkpoint(target, step, needed) as draft:
            save_weights(self.objective, draft)
            self._write_state(draft, state, randoms)
        self._remove_old(checkpoints, step)

    def _write_parts(self, checkpoints: Path, randoms: list[bytes]) -> None:
        """Writes each process's own share; the first one also writes everything else."""
        step, device = self.state.global_step, self.args.device
        target = checkpoints / folder_name(step)
        parts = weights_of(self.objective) | optimizer_of(self.objective, self._trained_by)
        needed = bytes_of(parts) * self.args.world_size
        with ExitStack() as stack:
            by_first(lambda: stack.enter_context(whole_checkpoint(target, step, needed)), device)
            draft = draft_of(target)
            by_all(lambda: write_parts(draft, parts, self._group), device)
            by_first(lambda: self._write_state(draft, None, randoms), device)
            by_first(stack.close, device)
        by_first(lambda: self._remove_old(checkpoints, step), device)

    def _write_state(self, draft: Path, optimizer: dict[str, Any] | None, randoms: list[bytes]) -> None:
        schedule = self.lr_scheduler
        if schedule is None:
            raise RuntimeError("a checkpoint is of a run that trains")
        beside = self.recipe, dict(self.made_with)
        write_state(draft, optimizer, schedule.state_dict(), asdict(self.state), randoms, *beside)

    @property
    def _trained_by(self) -> torch.optim.Optimizer:
        """The optimizer, without accelerate's wrapper."""
        if self.optimizer is None:
            raise RuntimeError("a checkpoint is of a run that trains")
        return getattr(self.optimizer, "optimizer", self.optimizer)

    @cached_property
    def _group(self) -> distributed.ProcessGroup | None:
        return host_group() if distributed.is_initialized() else None

    def _remove_old(self, checkpoints: Path, step: int) -> None:
        """Keeps the last ``save_total_limit``; removes those of later steps too, which this run went back from."""
        found = in_order(checkpoints)
        current = found.index(checkpoints / folder_name(step))
        limit = self.args.save_total_limit or len(found)
        for path in [*found[: max(current + 1 - limit, 0)], *found[current + 1 :]]:
            retire(path)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        checkpoint = Path(resume_from_checkpoint)
        read_trainer(checkpoint)  # before Trainer reads it, which tells less
        if in_parts(checkpoint):
            read_parts(checkpoint, weights_of(self.objective), self._group)
        elif self.sharded and self.args.world_size > 1:
            raise BadCheckpoint(f"{checkpoint}: of a run without training.fsdp, which one with it can't go on from")
        else:
            load_weights(self.objective, checkpoint)

    def _init_training_state(self, max_steps: int, *args: Any, **kwargs: Any) -> tuple[int, int]:
        """Takes from the recipe, not from the checkpoint, how often to log, evaluate and save."""
        found = super()._init_training_state(max_steps, *args, **kwargs)
        self.state.compute_steps(self.args, max_steps)
        return found

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self.optimizer is not None and self.lr_scheduler is not None:
            if in_parts(Path(checkpoint)):
                read_optimizer_parts(Path(checkpoint), self.objective, self._trained_by, self._group)
            else:
                read_optimizer(Path(checkpoint), self.optimizer)
            read_schedule(Path(checkpoint), self.lr_scheduler)

    def _load_scaler(self, checkpoint: str | None) -> None:
        """Loads nothing: fp16 is refused, so there is no scaler."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Restores random numbers; a process that is new, which --force-resume allows, has none to restore."""
        if checkpoint is not None and (Path(checkpoint) / random_file(self.args.process_index)).exists():
            read_random(Path(checkpoint), self.args.process_index)

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """Runs an epoch if steps are left: Trainer would train one more after a run's last step."""
        if self.state.global_step < self.state.max_steps:
            super()._run_epoch(*args, **kwargs)


def _size(weights: dict[str, Any], optimizer: dict[str, Any]) -> int:
    """The size of a checkpoint in bytes, roughly."""
    held = [*weights.values(), *(v for entries in optimizer["state"].values() for v in entries.values())]
    tensors = {t.data_ptr(): t.nbytes for t in held if isinstance(t, torch.Tensor)}
    return sum(tensors.values()) + 100_000
