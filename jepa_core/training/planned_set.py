"""The training set as plans: a loader's process beside the training plans there, so a step waits for neither."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Sequence
from copyreg import dispatch_table
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, get_worker_info

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.samples.sample_set import Batch
from jepa_core.training.sampler import EpochBatches

#: The optimizer step that a batch is for, counted from 0, and its samples.
NumberedBatch = tuple[int, Sequence[int]]


class NumberedBatches(Sampler[NumberedBatch]):
    """Batches with the optimizer step that each is for.

    accumulation: batches of a step; an epoch begins with a step of its own, as transformers' Trainer counts.
    """

    def __init__(self, batches: EpochBatches, accumulation: int):
        self.batches, self.accumulation = batches, accumulation
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.batches.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[NumberedBatch]:
        first = self.epoch * -(-len(self) // self.accumulation)
        for number, batch in enumerate(self.batches):
            yield first + number // self.accumulation, batch


class PlannedSet(Dataset):
    """Plans of batches of `samples`. collate: makes a batch of what these give."""

    def __init__(self, samples: Any, collate: Callable[[Any], Batch], objective: JepaObjective):
        self.samples, self.collate, self.objective = samples, collate, objective

    def __len__(self) -> int:
        return len(self.samples)

    def __getitems__(self, batch: NumberedBatch) -> Plan | Parcel:
        """Plans a batch; in a loader's process the plan is packed for the way."""
        step, numbers = batch
        many = getattr(self.samples, "__getitems__", None)
        found = many(numbers) if many else [self.samples[number] for number in numbers]
        plan = self.objective.plan(self.collate(found), step, training=True)
        return Parcel(plan) if get_worker_info() else plan


class Parcel:
    """A plan on its way from one process to another.

    PyTorch would put each of its some 40 small tensors into shared memory by itself, which takes longer than planning.
    """

    def __init__(self, plan: Plan):
        content = io.BytesIO()
        pickler = pickle.Pickler(content, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = {**dispatch_table, Tensor: _as_array}
        pickler.dump(plan)
        self.content = content.getvalue()

    def open(self) -> Plan:
        return pickle.loads(self.content)


def opened(plan: Plan | Parcel) -> Plan:
    return plan.open() if isinstance(plan, Parcel) else plan


def as_they_are(plan: object) -> object:
    """Collates nothing: what the set gives is whole already."""
    return plan


def _as_array(tensor: Tensor) -> tuple[Callable[[Any], Tensor], tuple[Any]]:
    return torch.from_numpy, (tensor.numpy(),)
