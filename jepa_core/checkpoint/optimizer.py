"""An optimizer's state as tensors by name and plain data, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def split_state(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Splits ``Optimizer.state_dict()`` into tensors ``{parameter}.{name}`` and plain data that JSON can hold."""
    tensors: dict[str, Tensor] = {}
    values: dict[str, dict[str, Any]] = {}
    for parameter, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{parameter}.{name}"] = value.detach().contiguous().clone()
            else:
                values.setdefault(str(parameter), {})[name] = value
    return tensors, {"param_groups": state["param_groups"], "values": values}


def join_state(tensors: dict[str, Tensor], plain: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`split_state`. Raises KeyError, TypeError or ValueError for what never came from it."""
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = tensor
    for parameter, values in plain["values"].items():
        state.setdefault(int(parameter), {}).update(values)
    return {"state": state, "param_groups": [_group(group) for group in plain["param_groups"]]}


def _group(group: dict[str, Any]) -> dict[str, Any]:
    """Makes betas a tuple again: JSON has no tuples."""
    return {name: tuple(value) if name == "betas" else value for name, value in group.items()}


def refuse_other_shapes(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Raises ValueError when `state` is not that of an optimizer over these parameters; torch does not check."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    if sorted(numbers) != list(range(len(parameters))) or not state["state"].keys() <= set(numbers):
        raise ValueError(f"the state of {len(numbers)} parameters, the run has {len(parameters)}")
    by_number = dict(zip(numbers, parameters, strict=True))
    for number, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != by_number[number].shape:
                shapes = tuple(value.shape), tuple(by_number[number].shape)
                raise ValueError(f"{number}.{name} is of shape {shapes[0]}, its parameter of {shapes[1]}")
