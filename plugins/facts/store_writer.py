"""Writing the files of a packed task part by part, in memory that does not grow with the set."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import count_types
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.store_manifest import (
    DTYPES,
    PackedArray,
    PackedFile,
    PackedSetEntry,
    TypeCount,
    file_name,
)


class ArrayWriter:
    """An array that grows along its first axis, hashed as it is written."""

    def __init__(self, path: Path, dtype: str):
        self.path = path
        self.dtype = dtype
        self.count = 0
        self._file = open(path, "wb")  # noqa: SIM115 (closed with the set)
        self._hash = hashlib.sha256()

    def write(self, values: np.ndarray) -> None:
        data = np.ascontiguousarray(values, dtype=np.dtype(self.dtype).newbyteorder("<")).data
        self._file.write(data)
        self._hash.update(data)
        self.count += values.size

    def close(self, *row: int) -> PackedArray:
        """Closes the file and describes the array. row: the shape of one row, of two-axis arrays."""
        self._file.close()
        shape = [self.count // row[0] if row and row[0] else self.count, *row]
        size = self.count * np.dtype(self.dtype).itemsize
        return PackedArray(bytes=size, sha256=self._hash.hexdigest(), dtype=self.dtype, shape=shape)


class PackedSetWriter:
    """Writes the set `name`: facts are added in order, and :meth:`close` describes the set.

    The beginnings of facts are written as they come, and removed in the end if all facts have one layout.
    """

    def __init__(self, folder: Path, name: str):
        self._arrays = {a: ArrayWriter(folder / file_name(name, a), dtype) for a, dtype in DTYPES.items()}
        self._arrays["starts"].write(np.zeros(1))
        self._layout: tuple[int, int] | None = None  # of the first fact: tokens of the head, and of all of it
        self._one_layout = True
        self._types: dict[str, TypeCount] = {}
        self.facts = self._longest = 0

    def add(self, facts: Samples, sample_type: Tensor) -> None:
        """Adds facts. sample_type: ``n``. Raises DataError for a head of more tokens than 16 bits can count."""
        if not len(facts):
            return
        valid = facts.valid
        heads, lengths = (facts.tags == Role.HEAD).sum(dim=1), valid.sum(dim=1)
        if int(heads.max()) > np.iinfo(DTYPES["heads"]).max:
            where = self._arrays["heads"].path
            raise DataError(f"{where}: a head of {int(heads.max()):,} tokens is too long to be packed")
        ends = lengths.cumsum(0) + self._arrays["tokens"].count
        for name, values in (("tokens", facts.ids[valid]), ("types", sample_type), ("starts", ends), ("heads", heads)):
            self._arrays[name].write(values.numpy())
        self._layout = self._layout or (int(heads[0]), int(lengths[0]))
        self._one_layout &= bool(((heads == self._layout[0]) & (lengths == self._layout[1])).all())
        self._longest = max(self._longest, int(lengths.max()))
        self._count(sample_type)
        self.facts += len(facts)

    def _count(self, sample_type: Tensor) -> None:
        for kind, found in count_types(sample_type).items():
            name, before = kind.name.lower(), self._types.get(kind.name.lower())
            first = before.first if before else self.facts + found.first
            self._types[name] = TypeCount(facts=found.facts + (before.facts if before else 0), first=first)

    def close(self) -> PackedSetEntry:
        head = (self._layout or (0, 0))[0] if self._one_layout else None
        arrays = {}
        for name, array in self._arrays.items():
            packed = array.close(*([self._longest] if self._one_layout and name == "tokens" else []))
            if self._one_layout and name in ("starts", "heads"):
                array.path.unlink()
            else:
                arrays[name] = packed
        return PackedSetEntry(facts=self.facts, longest=self._longest, head=head, types=self._types, arrays=arrays)


def write_described(path: Path, content: bytes) -> PackedFile:
    path.write_bytes(content)
    return PackedFile(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
