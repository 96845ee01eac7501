"""Weights and optimizer state in parts: each process writes its own, and reads what it needs from however many.

By torch.distributed.checkpoint, in safetensors: where a part belongs stands in its header, and nothing is pickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed

from jepa_core.checkpoint.manifest import BadCheckpoint
from jepa_core.errors import JepaError, brief
from jepa_core.model import adapters
from jepa_core.tensors import part_here, put_together

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective

#: Names of a process's files, by the number that torch gives them; by name they are checked before a run resumes.
KINDS = {1: "weights", 2: "components", 3: "optimizer"}
OPTIMIZER = "optimizer."
Parts = dict[str, Tensor]
Group = distributed.ProcessGroup | None


def in_parts(folder: Path) -> bool:
    return any(folder.glob(f"{KINDS[1]}_*.safetensors"))


def weights_of(objective: JepaObjective) -> Parts:
    """The tensors of an objective that a checkpoint holds, by name, each once; not those that adapters leave alone."""
    buffers = dict(objective.named_buffers())
    frozen = adapters.has_adapters(objective.model)
    parameters = {
        name: p.detach()
        for name, p in objective.named_parameters()
        if p.requires_grad or not (frozen and name.startswith("model."))
    }
    return parameters | {name: tensor for name, tensor in objective.state_dict().items() if name in buffers}


def optimizer_of(objective: JepaObjective, optimizer: torch.optim.Optimizer) -> Parts:
    """An optimizer's state, by names of parameters."""
    return _by_name(optimizer.state, objective)


def write_parts(folder: Path, parts: Parts, group: Group) -> None:
    """Writes this process's share; every process has to. Raises what went wrong here, or JepaError for elsewhere."""
    import torch.distributed.checkpoint as dcp

    rank = 0 if group is None else distributed.get_rank()
    numbers = {name: _kind(name) for name in parts}
    writer = dcp.HuggingFaceStorageWriter(str(folder), numbers, save_distributed=True)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # torch warns that it is one process
            dcp.save(parts, storage_writer=writer, process_group=group, no_dist=group is None)
    except dcp.CheckpointException as error:
        own = error.failures.get(rank)
        raise own[0] if own else JepaError("stopped, because another process could not write its part") from error
    for number, kind in KINDS.items():
        written = folder / f"shard-{rank + 1:05}-model-{number:05}-of-{max(numbers.values()):05}.safetensors"
        if written.exists():
            written.rename(folder / f"{kind}_{rank}.safetensors")


def read_parts(folder: Path, parts: Parts, group: Group) -> None:
    """Fills `parts` in place, however they were split when written; every process has to. Raises BadCheckpoint, before
    anything is changed, where names or shapes differ."""
    import torch.distributed.checkpoint as dcp

    try:
        reader = dcp.HuggingFaceStorageReader(str(folder))
        _refuse_others(folder, parts, reader.read_metadata().state_dict_metadata)
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            dcp.load(parts, storage_reader=reader, process_group=group, no_dist=group is None)
    except BadCheckpoint:
        raise
    except (dcp.CheckpointException, Exception) as error:  # torch's is no Exception; a damaged folder may raise any
        raise BadCheckpoint(f"{folder}: can't be read: {brief(error)}") from error


def read_optimizer_parts(
    folder: Path, objective: JepaObjective, optimizer: torch.optim.Optimizer, among: Group
) -> None:
    """Restores an optimizer's state. Raises BadCheckpoint."""
    trained = [(parameter, group) for group in optimizer.param_groups for parameter in group["params"]]
    states = {parameter: _new_state(parameter, bool(group.get("fused"))) for parameter, group in trained}
    read_parts(folder, _by_name(states, objective), among)
    for parameter, entries in states.items():
        optimizer.state[parameter] = entries


def put_all_together(objective: JepaObjective) -> Parts:
    """Gathers the whole state of a split objective on the host of the first process; every process has to call this."""
    parameters = dict(objective.named_parameters(remove_duplicate=False))
    found: dict[int, Tensor] = {}
    state = {}
    for name, tensor in objective.state_dict().items():
        key = id(parameters.get(name, tensor))
        whole = found[key] if key in found else put_together(tensor)
        found[key] = whole.cpu() if distributed.get_rank() == 0 else tensor
        state[name] = found[key]
    return state


def bytes_of(parts: Parts) -> int:
    """The number of bytes in this process's share."""
    return sum(part_here(tensor).nbytes for tensor in parts.values())


def _new_state(parameter: Tensor, fused: bool) -> Parts:
    """AdamW's state before its first step; a fused one counts steps on the device."""
    step = torch.zeros((), device=parameter.device if fused else "cpu")
    return {"step": step, "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}


def _by_name(states: Mapping[Any, Parts], objective: JepaObjective) -> Parts:
    """States by name of their parameter; numbers get an axis, as files of parts have nothing without one."""
    names = {parameter: name for name, parameter in objective.named_parameters()}
    return {
        f"{OPTIMIZER}{names[parameter]}.{key}": value if value.dim() else value.view(1)
        for parameter, entries in states.items()
        for key, value in entries.items()
    }


def _kind(name: str) -> int:
    return 3 if name.startswith(OPTIMIZER) else 1 if name.startswith("model.") else 2


def _refuse_others(folder: Path, parts: Parts, found: Mapping[str, Any]) -> None:
    for name, tensor in parts.items():
        if name not in found:
            raise BadCheckpoint(f"{folder}: does not fit the recipe: {name} is missing")
        chunks = sum(torch.Size(chunk.sizes).numel() for chunk in found[name].chunks)
        if found[name].size != tensor.shape or chunks != tensor.numel():
            shapes = f"{tuple(found[name].size)}, not {tuple(tensor.shape)}"
            raise BadCheckpoint(f"{folder}: does not fit the recipe: {name} is of shape {shapes}")
