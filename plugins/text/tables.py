"""Rows of tables: a parquet file, a folder of the `datasets` library, a data set of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from jepa_core import DataError, did_you_mean
from jepa_core.errors import one_line
from jepa_core.model.hub import HubError, load_local_or_hub


@dataclass(frozen=True)
class Parquet:
    """A parquet file, read a few rows at a time."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def where(self, row: int) -> str:
        return f"{self.path}: row {row}"

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yields number, from 1, and row. Raises DataError where the file is no table."""
        parquet = library("pyarrow.parquet", str(self.path))
        number = 0
        with library_errors(str(self.path), "a parquet file"), parquet.ParquetFile(self.path) as file:
            for part in file.iter_batches(batch_size=1024):
                for row in part.to_pylist():
                    yield (number := number + 1), row

    def digest(self) -> str:
        """The hash of the file's bytes."""
        return digest_of([self.path])


@dataclass(frozen=True)
class Table:
    """A table of the `datasets` library, which stays on disk.

    name: a folder that it saved, or an id of the Hub, ``org/name`` or ``org/name:config``; split: the part to read.
    """

    name: str
    split: str

    def where(self, row: int) -> str:
        return f"{self.name} ({self.split}): row {row}"

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yields number, from 1, and row."""
        yield from enumerate(self._rows, start=1)

    def digest(self) -> str:
        """The hash of the table's files."""
        return digest_of([Path(file["filename"]) for file in self._rows.cache_files])

    @cached_property
    def _rows(self) -> Any:
        datasets = library("datasets", self.name)
        with library_errors(self.name, "a table of the datasets library"):
            if not Path(self.name).is_dir():
                return self._from_hub(datasets)
            rows = datasets.load_from_disk(self.name)
        if isinstance(rows, dict):
            if self.split not in rows:
                found = f"there is {', '.join(rows)}{did_you_mean(self.split, rows)}"
                raise DataError(f"{self.name}: expected a part '{self.split}', {found}")
            rows = rows[self.split]
        return rows.with_format(None)

    def _from_hub(self, datasets: Any) -> Any:
        name, _, config = self.name.partition(":")

        def load(local: bool) -> Any:
            with _offline(datasets) if local else nullcontext():
                return datasets.load_dataset(name, config or None, split=self.split)

        return load_local_or_hub(name, load, "dataset")


def library(name: str, path: str) -> Any:
    """Imports a module of the extra ``text``. Raises DataError saying how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise DataError(f"{path}: reading it needs {package}: pip install 'jepa-core[text]'") from error


@contextmanager
def _offline(datasets: Any) -> Iterator[None]:
    """Keeps the library off the Hub, which it would ask again and again before it uses its own cache."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


@contextmanager
def library_errors(path: str, expected: str) -> Iterator[None]:
    """Turns a library's errors about `path` into DataErrors."""
    try:
        yield
    except HubError as error:
        raise DataError(f"data set {error}") from error
    except DataError:
        raise
    except Exception as error:  # these libraries raise many kinds for a file that they can't read
        raise DataError(f"{path}: expected {expected}: {one_line(error)}") from error


def digest_of(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        with library_errors(str(file), "a file"), open(file, "rb") as content:
            found.update(hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest()
