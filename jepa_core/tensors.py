"""Tensors anywhere inside a component's arguments or result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """Converts to float64, without gradient; on the CPU where the device has no float64, such as MPS."""
    try:
        return tensor.detach().double()
    except TypeError:
        held = tensor.detach().cpu()
        return torch.from_numpy((held.float() if held.is_floating_point() else held).numpy()).double()


def tensors(value: object) -> list[Tensor]:
    """Every tensor anywhere inside tuples, lists, mappings and dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    elif is_dataclass(value):
        value = [getattr(value, f.name) for f in fields(value)]
    return [t for item in value for t in tensors(item)] if isinstance(value, (tuple, list)) else []


def snapshot(value: object) -> list[Tensor]:
    """Copies every tensor inside."""
    return [tensor.detach().clone() for tensor in tensors(value)]


def same(first: object, second: object) -> bool:
    """Tells whether both hold as many tensors, pairwise equal, shapes and dtypes included; NaN equals NaN."""
    ones, others = tensors(first), tensors(second)
    return len(ones) == len(others) and all(_equal(one, other) for one, other in zip(ones, others, strict=True))


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def is_split(tensor: Tensor) -> bool:
    """Tells whether this is a DTensor, split over the processes; without loading DTensor."""
    return hasattr(tensor, "to_local")


def part_here(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process holds."""
    return tensor.to_local() if is_split(tensor) else tensor  # type: ignore[attr-defined]


def put_together(tensor: Tensor) -> Tensor:
    """The whole tensor; where it is split, every process has to call this."""
    return tensor.full_tensor() if is_split(tensor) else tensor  # type: ignore[attr-defined]
