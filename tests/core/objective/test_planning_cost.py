"""Counts the tensor operations of a plan on the host: of a batch of the reference composition, whatever its size."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support import SAMPLES, small_batch, small_model, small_objective

#: Changes of the wrapper alone, without work on numbers.
VIEWS = {"detach", "lift_fresh", "alias", "view", "expand", "slice", "unsqueeze", "split_with_sizes", "unbind"}


class Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def working(self):
        return sum(count for name, count in self.names.items() if name not in VIEWS)


def operations(layout, samples):
    objective = small_objective(small_model(), 1, layout=layout).train()
    batch = small_batch(samples)
    with Operations() as counted:
        objective.plan(batch)
    return counted.working


@pytest.mark.parametrize(("layout", "most"), [("packed", 105), ("rows", 110), ("flat", 90), ("auto", 110)])
def test_a_plan_takes_few(layout, most):
    assert operations(layout, SAMPLES) <= most


def test_they_do_not_grow_with_the_batch():
    assert operations("flat", SAMPLES * 20) == operations("flat", SAMPLES)


def test_the_count_counts():
    with Operations() as counted:
        torch.ones(2) + 1
    assert counted.names == {"ones": 1, "add": 1}
