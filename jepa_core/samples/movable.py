"""Dataclasses of tensors that move to a device as a whole."""

from __future__ import annotations

from dataclasses import fields
from typing import Self

import torch
from torch import Tensor


class Movable:
    """A dataclass whose tensors, also those in tuples and in other movable fields, move together."""

    def to(self, device: torch.device) -> Self:
        return type(self)(**{f.name: _to(getattr(self, f.name), device) for f in fields(self)})  # type: ignore[arg-type]


def _to(value: object, device: torch.device) -> object:
    if isinstance(value, (Tensor, Movable)):
        return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value.to(device)
    return tuple(_to(item, device) for item in value) if isinstance(value, tuple) else value
