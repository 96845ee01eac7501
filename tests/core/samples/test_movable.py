"""Plans move to a device as a whole."""

from __future__ import annotations

from dataclasses import fields

import torch

from jepa_core.samples.movable import Movable
from tests.support import small_batch, small_model, small_objective


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, Movable):
        for field in fields(value):
            yield from tensors(getattr(value, field.name))


def test_every_tensor_of_a_plan_moves():
    plan = small_objective(small_model()).plan(small_batch())
    moved = plan.to(torch.device("meta"))
    assert len(list(tensors(plan))) == len(list(tensors(moved))) > 15
    assert {str(tensor.device) for tensor in tensors(moved)} == {"meta"}
    assert (moved.jepa_pairs, len(moved.blocks)) == (plan.jepa_pairs, len(plan.blocks))
    assert {str(tensor.device) for tensor in tensors(plan)} == {"cpu"}
