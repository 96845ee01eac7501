"""An array that stays on disk: a read-only memory map that notices when its file is cut off."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jepa_core.errors import DataError


class ArrayMap:
    """The array in a file. The system kills a process that reads a map beyond the end of its file, so the file's size
    is looked at on every access."""

    def __init__(self, path: Path, dtype: str, shape: Sequence[int]):
        self.path = path
        self._bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._map: mmap.mmap | None = None  # None for an array of no bytes
        if self._bytes:
            with open(path, "rb") as file:
                try:
                    self._map = mmap.mmap(file.fileno(), self._bytes, access=mmap.ACCESS_READ)
                except ValueError as error:  # the file has fewer bytes by now
                    raise DataError(f"{path}: can't be read: {error}") from error
        with warnings.catch_warnings():  # torch can't express read-only, and says so
            warnings.simplefilter("ignore", UserWarning)
            self._array = np.frombuffer(self._map or b"", np.dtype(dtype).newbyteorder("<")).reshape(shape)
            self._tensor = torch.from_numpy(self._array)

    @property
    def array(self) -> np.ndarray:
        """The array, read-only. Raises DataError when the file was cut off since it was opened."""
        self._look()
        return self._array

    @property
    def tensor(self) -> Tensor:
        """The array as a tensor; writing into it crashes. Raises as :attr:`array`."""
        self._look()
        return self._tensor

    def _look(self) -> None:
        if self._map is not None and (found := self._map.size()) < self._bytes:
            raise DataError(
                f"{self.path}: was cut off while it was read: expected {self._bytes:,} bytes, it has {found:,}"
            )
