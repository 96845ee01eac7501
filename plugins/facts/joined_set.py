"""Two sets of facts as one, neither of them copied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import Role, SampleType


class JoinedSet(FactSet):
    """The facts of `first`, then those of `second`; each keeps its index.

    pad_id: fills up the shorter facts of a batch.
    """

    def __init__(self, first: FactSet, second: FactSet, pad_id: int):
        self.first, self.second, self.pad_id = first, second, pad_id
        self.first_index = first.first_index
        self.sample_type = torch.cat([first.sample_type, second.sample_type])

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    @property
    def max_length(self) -> int:
        return max(self.first.max_length, self.second.max_length)

    @property
    def facts(self) -> Samples:
        """All facts, ``n s`` int64, in memory."""
        return self.select(torch.arange(len(self)))

    def select(self, rows: Tensor) -> Samples:
        """The facts of these rows, ``b s`` int64, as wide as the longest of them."""
        of_first = rows < len(self.first)
        parts = [(of_first, self.first.select(rows[of_first]))]
        parts += [(~of_first, self.second.select(rows[~of_first] - len(self.first)))]
        width = max(part.ids.shape[1] for _, part in parts)
        ids = torch.full((len(rows), width), self.pad_id)
        tags = torch.full((len(rows), width), Role.PAD)
        for places, part in parts:
            wide = part.ids.shape[1]
            ids[places, :wide] = part.ids.where(part.tags != Role.PAD, self.pad_id)
            tags[places, :wide] = part.tags
        return Samples(ids, tags)

    def __getitems__(self, items: Sequence[int]) -> Batch:
        """Makes one ready batch, with the index that each fact has in its own set."""
        batch = super().__getitems__(items)
        rows = torch.from_numpy(np.array(items, dtype=np.int64))
        second = rows - len(self.first) + self.second.first_index
        return {**batch, "index": torch.where(rows < len(self.first), batch["index"], second)}


def of_data(train: object) -> object:
    """The facts of a training set that come from the data, without a model's answers and a rule's additions."""
    while isinstance(train, JoinedSet):
        train = train.first
    return train


def of_group(train: object, group: SampleType) -> list[FactSet]:
    """The sets of this group that were joined to the facts of the data."""
    found = []
    while isinstance(train, JoinedSet):
        found += [train.second] if group.name.lower() in train.second.group_sizes else []
        train = train.first
    return found
