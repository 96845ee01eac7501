"""A set of facts that stays on disk: memory maps, of which a batch reads its own rows."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet, OfType
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.store_manifest import PackedSetEntry, file_name


class PackedSet(FactSet):
    """The set `name` of a packed task; opening it reads none of it.

    pad_id: stands after the last token of the shorter facts of a batch.
    """

    def __init__(self, folder: Path, name: str, entry: PackedSetEntry, pad_id: int, first_index: int = 0):
        self._opened_with = (folder, name, entry, pad_id, first_index)
        self._entry = entry
        self.pad_id = pad_id
        self.first_index = first_index
        maps = {a: open_map(folder / file_name(name, a), it.dtype, it.shape) for a, it in entry.arrays.items()}
        self.tokens, self.sample_type = maps["tokens"], maps["types"]
        self._mixed = (maps["starts"], maps["heads"]) if entry.head is None else None
        self._roles = roles_of(torch.tensor([entry.head or 0]), torch.tensor([entry.longest]), entry.longest)

    def __reduce__(self) -> tuple[Any, ...]:
        """A process that makes batches maps the files itself."""
        return type(self), self._opened_with

    def __len__(self) -> int:
        return self._entry.facts

    @property
    def max_length(self) -> int:
        return self._entry.longest

    @property
    def fingerprint(self) -> str:
        """Of the hashes of its files, as the manifest has them: nothing of the set is read."""
        files = ",".join(f"{name}:{array.sha256}" for name, array in sorted(self._entry.arrays.items()))
        return hashlib.sha256(files.encode()).hexdigest()

    @property
    def types(self) -> dict[SampleType, OfType]:
        return self._entry.of_type

    @property
    def facts(self) -> Samples:
        """All facts, ``n s`` int64, in memory."""
        return self.select(torch.arange(len(self)))

    def select(self, rows: Tensor) -> Samples:
        """The facts of these rows, ``b s`` int64, as wide as the longest of them."""
        if self._mixed is None:
            return Samples(self.tokens.index_select(0, rows).long(), self._roles.repeat(len(rows), 1))
        starts, heads = (tensor.index_select(0, rows).long() for tensor in self._mixed)
        lengths = self._mixed[0].index_select(0, rows + 1) - starts
        width = int(lengths.max()) if len(rows) else 0
        tags = roles_of(heads, lengths, width)
        places = (starts[:, None] + torch.arange(width)).clamp(max=len(self.tokens) - 1)
        return Samples(self.tokens[places].long().where(tags != Role.PAD, self.pad_id), tags)


def roles_of(heads: Tensor, lengths: Tensor, width: int) -> Tensor:
    """``b width`` int64 tags of facts with so many tokens in the head, and altogether (``b``)."""
    place, heads = torch.arange(width), heads[:, None]
    after = Role.MASK + (place > heads + 1) * (Role.TAIL - Role.MASK)
    tags = torch.where(place < heads, Role.HEAD, torch.where(place == heads, Role.RELATION, after))
    return tags.where(place < lengths[:, None], Role.PAD)


def open_map(path: Path, dtype: str, shape: list[int]) -> Tensor:
    """A tensor over the file. It is read-only: writing into it crashes."""
    if 0 in shape:  # nothing to map
        return torch.from_numpy(np.empty(shape, dtype))
    with warnings.catch_warnings():  # torch can't express read-only, and says so
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.memmap(path, np.dtype(dtype).newbyteorder("<"), "r", shape=tuple(shape)))
