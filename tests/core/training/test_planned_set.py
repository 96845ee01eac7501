"""Plans made by the loader: for the right optimizer step, in another process, the same to the last bit."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from jepa_core.samples.movable import Movable
from jepa_core.samples.sample_set import collate
from jepa_core.training.planned_set import NumberedBatches, Parcel, PlannedSet
from jepa_core.training.sampler import EpochBatches, EpochSampler
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.core.objective.test_branches import Several
from tests.support import SAMPLES, small_batch, small_model, small_objective


def tensors(value: Any) -> list[Tensor]:
    """All tensors of a plan, in order."""
    if isinstance(value, Tensor):
        return [value]
    inner = [getattr(value, field.name) for field in fields(value)] if isinstance(value, Movable) else value
    return [found for each in inner for found in tensors(each)] if isinstance(inner, (list, tuple)) else []


class Rows:
    """The samples one by one."""

    def __len__(self) -> int:
        return len(SAMPLES)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        return {name: values[number] for name, values in small_batch().items()}


@pytest.mark.parametrize(
    ("length", "accumulation", "epoch", "steps"),
    [(20, 1, 0, [0, 1, 2, 3, 4]), (20, 2, 0, [0, 0, 1, 1, 2]), (20, 2, 3, [9, 9, 10, 10, 11]), (18, 5, 1, [1] * 5)],
)
def test_batches_know_their_step(length, accumulation, epoch, steps):
    """Five batches of four, the last one perhaps shorter; an epoch's last step may have fewer batches."""
    numbered = NumberedBatches(EpochBatches(EpochSampler(length, seed=1), 4), accumulation)
    numbered.set_epoch(epoch)
    plain = EpochBatches(EpochSampler(length, seed=1), 4)
    plain.set_epoch(epoch)
    assert list(numbered) == list(zip(steps, plain, strict=True))
    assert len(numbered) == 5


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
def test_a_parcel_holds_the_plan(layout):
    plan = small_objective(small_model(), 2, layout=layout, reversal=Several()).plan(small_batch(), step=7)
    found = Parcel(plan).open()
    assert found.step == 7
    assert [type(block) for block in found.blocks] == [type(block) for block in plan.blocks]
    ours, theirs = tensors(found), tensors(plan)
    assert len(ours) == len(theirs) > 20
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_loaders_process_plans(workers):
    """Beside one, this process plans nothing, and gets the same plans."""
    objective, planned_here = small_objective(small_model(), 1), []
    plan = objective.plan

    def noting(batch, step=0, training=None):
        planned_here.append(step)
        return plan(batch, step, training)

    objective.plan = noting
    batches = [(4, [0, 1, 2]), (5, [3, 4])]
    loader = DataLoader(
        PlannedSet(Rows(), collate, objective),
        batch_sampler=batches,
        collate_fn=lambda planned: planned,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    found = [each.open() if isinstance(each, Parcel) else each for each in loader]
    assert planned_here == ([] if workers else [4, 5])
    wanted = [plan({name: values[rows] for name, values in small_batch().items()}, step) for step, rows in batches]
    for one, other in zip(found, wanted, strict=True):
        assert one.step == other.step
        pairs = zip(tensors(one), tensors(other), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_it_plans_for_training_also_after_an_evaluation():
    """A loader's process begins with the epoch, when the model may still be as an evaluation left it."""
    objective = small_objective(small_model(), filters=[SampleTypeFilter(), LossDropout(rate=1.0)]).eval()
    batch = (0, range(len(SAMPLES)))
    assert PlannedSet(Rows(), collate, objective).__getitems__(batch).jepa_pairs == 0
    assert objective.plan(small_batch()).jepa_pairs > 0
