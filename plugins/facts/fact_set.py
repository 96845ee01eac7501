"""A set of facts as a few int32 tensors; a batch is one index_select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from jepa_core.samples.samples import IGNORE, Facts, Role, SampleType
from jepa_core.samples.token_names import Vocabulary

Batch = dict[str, Tensor]
_PART = 1 << 16


@dataclass(frozen=True)
class OfType:
    """facts: how many samples of a set have a type; first: the row of the first one."""

    facts: int
    first: int


class FactSet(Dataset):
    """Facts with their sample types.

    ids, roles: ``n s`` (right-padded); sample_type: ``n`` :class:`~jepa_core.samples.samples.SampleType` values;
    first_index: the index of the first sample, so that the sets of one task can number theirs apart.
    """

    def __init__(self, facts: Facts, sample_type: Tensor, first_index: int = 0):
        if sample_type.shape != (len(facts),):
            raise ValueError(f"sample_type is ({len(facts)},), not {tuple(sample_type.shape)}")
        self.ids = facts.ids.to(torch.int32)
        self.roles = facts.roles.to(torch.uint8)
        self.sample_type = sample_type.to(torch.uint8)
        self.first_index = first_index

    def __len__(self) -> int:
        return self.ids.shape[0]

    @property
    def max_length(self) -> int:
        """Tokens of the longest fact, 0 of an empty set."""
        return int((self.roles != Role.PAD).sum(dim=1).max()) if len(self) else 0

    @cached_property
    def types(self) -> dict[SampleType, OfType]:
        """The sample types that occur."""
        return count_types(self.sample_type)

    @property
    def facts(self) -> Facts:
        """All facts, ``n s`` int64."""
        return Facts(self.ids.long(), self.roles.long())

    def select(self, rows: Tensor) -> Facts:
        """The facts of these rows, ``b s`` int64, as wide as the longest of them."""
        ids, roles = (tensor.index_select(0, rows).long() for tensor in (self.ids, self.roles))
        width = int((roles != Role.PAD).any(dim=0).sum())
        return Facts(ids[:, :width], roles[:, :width])

    def first_rows(self, kind: SampleType, count: int) -> Tensor:
        """The first `count` rows of a type, or as many as there are; no more of the set is read than needed."""
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
        """One ready batch.

        input_ids, labels, roles: ``b s`` int64, as wide as the longest of these facts; labels are unshifted,
        the token itself on the tail and -100 elsewhere; sample_type, index: ``b``.
        """
        rows = torch.from_numpy(np.array(items, dtype=np.int64))  # of a list, five times as fast as torch.tensor
        facts = self.select(rows)
        return {
            "input_ids": facts.ids,
            "labels": facts.ids.where(facts.roles == Role.TAIL, IGNORE),
            "roles": facts.roles,
            "sample_type": self.sample_type.index_select(0, rows).long(),
            "index": rows + self.first_index,
        }


@dataclass(frozen=True)
class TaskData:
    """What a dataset plugin gives: the training set, evaluation sets by split name, and the vocabulary.

    A set has ``__len__``, ``__getitem__`` and ``__getitems__`` like :class:`FactSet`, and ``max_length``; the
    training set ``types`` and ``first_rows`` too.
    tokenizer_files: text files (name -> content) to keep beside a trained model.
    """

    train: Any
    evaluation: Mapping[str, Any]
    vocabulary: Vocabulary
    tokenizer_files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_facts(cls, vocabulary: Vocabulary, train: Facts, types: Tensor, evaluation: Mapping[str, Facts]) -> TaskData:
        """From facts; every sample of the task gets an index of its own, the training set's from 0 on.

        types: ``n`` the sample types of `train`; those of an evaluation split are what its name says.
        """
        sets, first = {}, len(train)
        for split, facts in evaluation.items():
            sets[split] = FactSet(facts, torch.full((len(facts),), SampleType[split.upper()]), first)
            first += len(facts)
        return cls(FactSet(train, types), sets, vocabulary)


def count_types(sample_type: Tensor) -> dict[SampleType, OfType]:
    """sample_type: ``n`` uint8. The sample types that occur in it."""
    of_type = {kind: sample_type == kind for kind in SampleType}
    found = {kind: rows.view(torch.uint8) for kind, rows in of_type.items() if rows.any()}
    return {kind: OfType(int(rows.sum()), int(rows.argmax())) for kind, rows in found.items()}


def collate(samples: Sequence[Batch] | Batch) -> Batch:
    """Samples to a batch, right-padded to the longest; a ready batch passes through unchanged."""
    if isinstance(samples, Mapping):
        return samples
    fill = {"input_ids": 0, "labels": IGNORE, "roles": int(Role.PAD)}
    return {
        key: torch.nn.utils.rnn.pad_sequence([s[key] for s in samples], True, fill[key])
        if key in fill
        else torch.stack([s[key] for s in samples])
        for key in samples[0]
    }
