"""``manifest.json`` of a packed task: a description of its files, which need not be read for it.

Every array is one file of little-endian numbers, row after row. A set of ``n`` facts has

- ``tokens`` int32: ``n s`` where all heads are of one length and all tails too, else the real tokens of all
  facts one after the other;
- ``types`` uint8 ``n``: :class:`~jepa_plugins.facts.roles.SampleType` values;
- ``starts`` int64 ``n + 1`` and ``heads`` int16 ``n``, only where lengths differ: the beginning of each fact in
  ``tokens`` (and the end of the last one), and the number of tokens of its head.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jepa_core import DataError
from jepa_plugins.facts.bounds import LONGEST_FACT
from jepa_plugins.facts.fact_set import OfType
from jepa_plugins.facts.json_file import read_text
from jepa_plugins.facts.roles import SampleType

#: The most bytes of a manifest; it usually has a few thousand.
LARGEST = 1 << 20
MANIFEST, VOCABULARY, TRAIN = "manifest.json", "vocabulary.json", "train"
DTYPES = {"tokens": "int32", "types": "uint8", "starts": "int64", "heads": "int16"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PackedFile(_Model):
    """bytes: its size; sha256: of its content, in hexadecimal digits."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PackedArray(PackedFile):
    """A file that is an array."""

    dtype: str
    shape: list[int] = Field(min_length=1, max_length=2)

    @model_validator(mode="after")
    def _as_long_as_its_shape(self) -> PackedArray:
        if self.dtype in DTYPES.values() and self.bytes != prod(self.shape) * np.dtype(self.dtype).itemsize:
            raise ValueError(f"{self.bytes} bytes are no {self.dtype} array of shape {self.shape}")
        return self


class TypeCount(_Model):
    """facts: the number of facts of a type; first: the row of the first one."""

    facts: int = Field(ge=1)
    first: int = Field(ge=0)


class PackedSetEntry(_Model):
    """A set. longest: tokens of its longest fact; head: tokens of every head, null where lengths differ;
    types: name -> count."""

    facts: int = Field(ge=0)
    longest: int = Field(ge=0)
    head: int | None
    types: dict[str, TypeCount]
    arrays: dict[str, PackedArray]

    @model_validator(mode="after")
    def _arrays_fit(self) -> PackedSetEntry:
        shapes = {"tokens": [self.facts, self.longest], "types": [self.facts]}
        if self.head is None:
            shapes |= {"tokens": self.arrays["tokens"].shape[:1] if "tokens" in self.arrays else []}
            shapes |= {"starts": [self.facts + 1], "heads": [self.facts]}
        if self.arrays.keys() != shapes.keys():
            raise ValueError(f"expected the arrays {', '.join(shapes)}, not {', '.join(self.arrays) or 'none'}")
        for name, array in self.arrays.items():
            if (array.dtype, array.shape) != (DTYPES[name], shapes[name]):
                raise ValueError(
                    f"{name}: expected {DTYPES[name]} of shape {shapes[name]}, not {array.dtype} of shape {array.shape}"
                )
        if sum(count.facts for count in self.types.values()) != self.facts or self.types.keys() - _TYPES:
            raise ValueError(f"types: expected {self.facts} facts of type {', '.join(sorted(_TYPES))}")
        self._refuse_impossible()
        return self

    def _refuse_impossible(self) -> None:
        """Raises ValueError for impossible sizes: a fact has a token of each role, a first row is in the set."""
        for kind, count in self.types.items():
            if count.first + count.facts > self.facts:
                raise ValueError(f"types.{kind}.first: expected at most {self.facts - count.facts}, not {count.first}")
        most = min(LONGEST_FACT, self.longest if self.head is not None else self.arrays["tokens"].shape[0])
        if self.facts and not 4 <= self.longest <= most:
            raise ValueError(f"longest: expected 4 to {most}, not {self.longest}")
        if self.facts and self.head is not None and not 1 <= self.head <= self.longest - 3:
            raise ValueError(f"head: expected 1 to {self.longest - 3}, not {self.head}")

    @property
    def of_type(self) -> dict[SampleType, OfType]:
        return {SampleType[name.upper()]: OfType(count.facts, count.first) for name, count in self.types.items()}


_TYPES = {kind.name.lower() for kind in SampleType}


class Manifest(_Model):
    """format: identifies such files; train, evaluation: the sets; vocabulary: ``vocabulary.json``."""

    format: Literal["jepa-core packed facts, version 1"] = "jepa-core packed facts, version 1"
    train: PackedSetEntry
    evaluation: dict[Literal["train", "atomic", "test"], PackedSetEntry]
    vocabulary: PackedFile

    @property
    def files(self) -> dict[str, PackedFile]:
        """File name -> description."""
        sets = {TRAIN: self.train, **{evaluation_name(split): entry for split, entry in self.evaluation.items()}}
        arrays = {file_name(s, a): array for s, entry in sets.items() for a, array in entry.arrays.items()}
        return {**arrays, VOCABULARY: self.vocabulary}


def evaluation_name(split: str) -> str:
    """The beginning of an evaluation split's file names."""
    return f"valid-{split}"


def file_name(set_name: str, array: str) -> str:
    """The name of an array's file: ``train.tokens.int32``."""
    return f"{set_name}.{array}.{DTYPES[array]}"


def is_packed(folder: Path) -> bool:
    """Tells whether there is a packed task, or part of one."""
    return any((folder / name).exists() for name in (MANIFEST, file_name(TRAIN, "tokens")))


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest, and checks that every file is there and of the right size.

    Raises DataError when it is missing or damaged, and for a file that is missing, cut off or too long.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{path}: is missing, so this is no packed task or one whose packing was not finished: pack it again"
        )
    try:
        manifest = Manifest.model_validate_json(read_text(path, LARGEST))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{path}: {where + ': ' if where else ''}{message}") from error
    for name, file in manifest.files.items():
        found = (folder / name).stat().st_size if (folder / name).is_file() else None
        if found != file.bytes:
            wrong = "is missing" if found is None else f"has {found:,}; was it cut off or changed?"
            raise DataError(f"{folder / name}: expected {file.bytes:,} bytes, it {wrong}")
    return manifest
