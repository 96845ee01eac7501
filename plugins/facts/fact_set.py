"""A set of facts as a few int32 tensors; a batch is one index_select."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import IGNORE, Samples
from jepa_plugins.facts.roles import Role, SampleType

_PART = 1 << 16


@dataclass(frozen=True)
class OfType:
    """facts: the number of facts of a type; first: the row of the first one."""

    facts: int
    first: int


class FactSet(Dataset):
    """Facts with their sample types.

    ids, tags: ``n s`` (right-padded); sample_type: ``n`` :class:`~jepa_plugins.facts.roles.SampleType` values;
    first_index: the index of the first sample, so that no two sets of a task share an index.
    """

    def __init__(self, facts: Samples, sample_type: Tensor, first_index: int = 0):
        if sample_type.shape != (len(facts),):
            raise ValueError(f"sample_type is ({len(facts)},), not {tuple(sample_type.shape)}")
        self.ids = facts.ids.to(torch.int32)
        self.tags = facts.tags.to(torch.uint8)
        self.sample_type = sample_type.to(torch.uint8)
        self.first_index = first_index

    def __len__(self) -> int:
        return self.ids.shape[0]

    @property
    def max_length(self) -> int:
        """The tokens of the longest fact; 0 for an empty set."""
        return int((self.tags != Role.PAD).sum(dim=1).max()) if len(self) else 0

    @property
    def group_sizes(self) -> dict[str, int]:
        """The number of facts of each group that occurs."""
        return {kind.name.lower(): count.facts for kind, count in self.types.items()}

    @cached_property
    def types(self) -> dict[SampleType, OfType]:
        """The sample types that occur, with their counts and first rows."""
        return count_types(self.sample_type)

    @property
    def facts(self) -> Samples:
        """All facts, ``n s`` int64."""
        return Samples(self.ids.long(), self.tags.long())

    def select(self, rows: Tensor) -> Samples:
        """The facts of these rows, ``b s`` int64, as wide as the longest of them."""
        ids, tags = (tensor.index_select(0, rows).long() for tensor in (self.ids, self.tags))
        width = int((tags != Role.PAD).any(dim=0).sum())
        return Samples(ids[:, :width], tags[:, :width])

    def groups(self, rows: Tensor) -> Tensor:
        """The sample types ``b`` int64 of these rows."""
        return self.sample_type.index_select(0, rows).long()

    def first_rows(self, group: str, count: int) -> Tensor:
        """The first `count` rows of a group, or as many as there are; no more of the set is read than needed."""
        kind = SampleType[group.upper()]
        found, start = [torch.empty(0, dtype=torch.int64)], self.types[kind].first
        while count > 0 and start < len(self):
            part = (self.sample_type[start : start + _PART] == kind).nonzero().flatten()[:count]
            found.append(part + start)
            start, count = start + _PART, count - len(part)
        return torch.cat(found)

    def __getitem__(self, item: int) -> Batch:
        """One sample: the keys of :meth:`__getitems__` without the batch axis."""
        return {key: value[0] for key, value in self.__getitems__([range(len(self))[item]]).items()}

    def __getitems__(self, items: Sequence[int]) -> Batch:
        """Makes one ready batch.

        input_ids, labels, tags: ``b s`` int64, as wide as the longest of these facts; labels are unshifted,
        the token itself on the tail and -100 elsewhere; group, index: ``b``. roles and sample_type are other names for
        tags and group.
        """
        rows = torch.from_numpy(np.array(items, dtype=np.int64))  # of a list, five times as fast as torch.tensor
        facts = self.select(rows)
        group = self.groups(rows)
        return {
            "input_ids": facts.ids,
            "labels": facts.ids.where(facts.tags == Role.TAIL, IGNORE),
            "tags": facts.tags,
            "roles": facts.tags,
            "group": group,
            "sample_type": group,
            "index": rows + self.first_index,
        }


def count_types(sample_type: Tensor) -> dict[SampleType, OfType]:
    """Counts the sample types that occur in `sample_type`, ``n`` uint8."""
    of_type = {kind: sample_type == kind for kind in SampleType}
    found = {kind: rows.view(torch.uint8) for kind, rows in of_type.items() if rows.any()}
    return {kind: OfType(int(rows.sum()), int(rows.argmax())) for kind, rows in found.items()}
