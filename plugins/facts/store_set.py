"""A set of facts that stays on disk: memory maps from which a batch reads its own rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.folder.array_map import ArrayMap
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet, OfType
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.store_manifest import PackedSetEntry, file_name

_AGAIN = "it was changed since it was packed: pack it again"


class PackedSet(FactSet):
    """The set `name` of a packed task; opening it reads none of it.

    pad_id: fills up the shorter facts of a batch; size: all ids are smaller. Reading raises DataError, naming file and
    fact, where the content can't be what was packed.
    """

    def __init__(self, folder: Path, name: str, entry: PackedSetEntry, pad_id: int, size: int, first_index: int = 0):
        self._opened_with = (folder, name, entry, pad_id, size, first_index)
        self._entry = entry
        self.pad_id, self.size = pad_id, size
        self.first_index = first_index
        self._maps = {a: ArrayMap(folder / file_name(name, a), it.dtype, it.shape) for a, it in entry.arrays.items()}
        self._roles = roles_of(torch.tensor([entry.head or 0]), torch.tensor([entry.longest]), entry.longest)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the arguments alone: a process that makes batches maps the files itself."""
        return type(self), self._opened_with

    def __len__(self) -> int:
        return self._entry.facts

    @property
    def max_length(self) -> int:
        return self._entry.longest

    @property
    def fingerprint(self) -> str:
        """A hash of its files' hashes in the manifest; nothing of the set is read."""
        files = ",".join(f"{name}:{array.sha256}" for name, array in sorted(self._entry.arrays.items()))
        return hashlib.sha256(files.encode()).hexdigest()

    @property
    def types(self) -> dict[SampleType, OfType]:
        return self._entry.of_type

    @property
    def sample_type(self) -> Tensor:
        """The sample types ``n`` uint8, on disk."""
        return self._maps["types"].tensor

    @property
    def facts(self) -> Samples:
        """All facts, ``n s`` int64, in memory."""
        return self.select(torch.arange(len(self)))

    def select(self, rows: Tensor) -> Samples:
        """The facts of these rows, ``b s`` int64, as wide as the longest of them."""
        if self._entry.head is not None:
            ids = self._maps["tokens"].tensor.index_select(0, rows).long()
            return Samples(self._known(ids, rows), self._roles.repeat(len(rows), 1))
        starts, ends, heads = self._places(rows)
        width = int((ends - starts).max()) if len(rows) else 0
        tags = roles_of(heads, ends - starts, width)
        places = (starts[:, None] + torch.arange(width)).where(tags != Role.PAD, 0)
        ids = self._maps["tokens"].tensor[places].long().where(tags != Role.PAD, self.pad_id)
        return Samples(self._known(ids, rows), tags)

    @property
    def ends(self) -> tuple[int, int] | None:
        """The first fact's beginning and the last one's end; None where all facts have one layout."""
        if self._entry.head is not None:
            return None
        starts = self._maps["starts"].tensor
        return int(starts[0]), int(starts[-1])

    def groups(self, rows: Tensor) -> Tensor:
        """The sample types ``b`` int64 of these rows. Raises DataError for an unknown one."""
        found = super().groups(rows)
        self._refuse(found >= len(SampleType), rows, "types", "its type is none that there is")
        return found

    def first_rows(self, group: str, count: int) -> Tensor:
        """The first `count` rows of a group. Raises DataError where the manifest counts more than there are."""
        found, kind = super().first_rows(group, count), self.types[SampleType[group.upper()]]
        if len(found) < min(count, kind.facts):
            path = self._maps["types"].path
            raise DataError(f"{path}: expected {kind.facts:,} facts of type {group} from {kind.first:,} on; {_AGAIN}")
        return found

    def _places(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The beginning, the end and the number of head tokens of each fact."""
        at, heads = self._maps["starts"].tensor, self._maps["heads"].tensor.index_select(0, rows).long()
        starts, ends = at.index_select(0, rows), at.index_select(0, rows + 1)
        lengths, tokens = ends - starts, self._entry.arrays["tokens"].shape[0]
        wrong = (starts < 0) | (ends > tokens) | (lengths > self._entry.longest)
        self._refuse(wrong | (lengths < heads + 3), rows, "starts", "it can't begin and end there")
        self._refuse(heads < 1, rows, "heads", "its head can't have so many tokens")
        return starts, ends, heads

    def _known(self, ids: Tensor, rows: Tensor) -> Tensor:
        """Returns the ids ``b s`` of these facts. Raises DataError for one outside the vocabulary."""
        wrong = ((ids < 0) | (ids >= self.size)).any(dim=1)
        self._refuse(wrong, rows, "tokens", f"there is an id that is none of the vocabulary's (0 to {self.size - 1:,})")
        return ids

    def _refuse(self, wrong: Tensor, rows: Tensor, array: str, what: str) -> None:
        """Raises DataError for the first wrong fact. wrong: ``b`` bool."""
        if wrong.any():
            raise DataError(f"{self._maps[array].path}: fact {int(rows[wrong][0]):,}: {what}; {_AGAIN}")


def roles_of(heads: Tensor, lengths: Tensor, width: int) -> Tensor:
    """The tags ``b width`` int64 of facts with these numbers of tokens in the head, and altogether (``b``)."""
    place, heads = torch.arange(width), heads[:, None]
    after = Role.MASK + (place > heads + 1) * (Role.TAIL - Role.MASK)
    tags = torch.where(place < heads, Role.HEAD, torch.where(place == heads, Role.RELATION, after))
    return tags.where(place < lengths[:, None], Role.PAD)
