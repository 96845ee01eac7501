"""Splitting a model among processes, by torch's ``fully_shard`` (FSDP2): parameters, gradients, optimizer state.

transformers leaves this to accelerate, which does it on GPUs alone: on a CPU its ``fsdp: true`` is silently DDP. Here
the same code runs on every device, so that tests on a CPU cover it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

from jepa_core.errors import JepaError
from jepa_core.model.lockstep import Lockstep

if TYPE_CHECKING:
    from jepa_core.model.transformer import Transformer
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.training_section import FsdpSection

#: Environment variables by which accelerate's launcher asks for other ways of splitting a model.
_ELSEWHERE = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DeepSpeed"}


def shard(objective: JepaObjective, section: FsdpSection, device: torch.device) -> Lockstep:
    """Splits the objective among all processes: each block of the model and of its target encoder is a unit, all the
    rest, embeddings and components, is another.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    for block in blocks_of(objective):
        fully_shard(block, mesh=mesh, reshard_after_forward=section.reshard_after_forward)
    root: Any = fully_shard(objective, mesh=mesh, reshard_after_forward=False)
    root.set_reduce_scatter_unused_params(True)  # or a process whose samples miss one would send less than others
    sides = [side for term in objective.terms for side in term.sides]
    layers = frozenset({objective.transformer.num_layers, *(side.layer for side in sides)})
    return Lockstep(root, transformers_of(objective), layers, section.reshard_after_forward)


def refuse_launchers_own() -> None:
    """Raises JepaError where ``accelerate launch`` was told to split the model in its own way."""
    for name, what in _ELSEWHERE.items():
        if os.environ.get(name, "false").lower() == "true":
            raise JepaError(
                f"accelerate was told to use {what} ({name}); say training.fsdp: true in the recipe instead"
            )


def unsplittable(objective: JepaObjective) -> str:
    """The reason why this objective can't be split; empty where it can."""
    from torch.distributed.fsdp import FSDPModule

    if not hasattr(FSDPModule, "set_reduce_scatter_unused_params"):
        return f"needs torch 2.13 or newer; here is {torch.__version__}"
    if objective.recall is not None:
        return "does not go with objective.recall_temperature"
    if scalars := [name for name, parameter in objective.named_parameters() if not parameter.dim()]:
        return f"can't split {scalars[0]}, a single number without an axis"
    inside = {parameter for block in blocks_of(objective) for parameter in block.parameters()}
    rest = {p.dtype for p in objective.parameters() if p.requires_grad and p not in inside}
    names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in rest))
    return f"can't split parameters of {names} together; use model.dtype: float32" if len(rest) > 1 else ""


def transformers_of(objective: JepaObjective) -> list[Transformer]:
    encoder = objective.target_encoder
    return [objective.transformer, *([encoder.transformer] if encoder else [])]


def blocks_of(objective: JepaObjective) -> list[nn.Module]:
    return [block for each in transformers_of(objective) for block in each.blocks]
