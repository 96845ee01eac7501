"""Tensors anywhere inside of what a component takes or returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor


def wide(tensor: Tensor) -> Tensor:
    """In float64, without gradient; of a device that has none, as MPS, on the CPU."""
    try:
        return tensor.detach().double()
    except TypeError:
        held = tensor.detach().cpu()
        return torch.from_numpy((held.float() if held.is_floating_point() else held).numpy()).double()


def tensors(value: Any) -> list[Tensor]:
    """Every tensor anywhere inside tuples, lists, mappings and dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    elif is_dataclass(value):
        value = [getattr(value, f.name) for f in fields(value)]
    return [t for item in value for t in tensors(item)] if isinstance(value, (tuple, list)) else []


def snapshot(value: Any) -> list[Tensor]:
    """Copies of every tensor inside."""
    return [tensor.detach().clone() for tensor in tensors(value)]


def same(first: Any, second: Any) -> bool:
    """Are all tensors inside both bitwise equal, shapes and dtypes included."""
    pairs = list(zip(tensors(first), tensors(second), strict=True))
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


def is_split(tensor: Tensor) -> bool:
    """Is it a DTensor, of which this process has a part. Says so without loading what makes those."""
    return hasattr(tensor, "to_local")


def part_here(tensor: Tensor) -> Tensor:
    """What of a tensor this process has."""
    return tensor.to_local() if is_split(tensor) else tensor  # type: ignore[attr-defined]


def put_together(tensor: Tensor) -> Tensor:
    """All of a tensor; where it is split, each process has to ask."""
    return tensor.full_tensor() if is_split(tensor) else tensor  # type: ignore[attr-defined]
