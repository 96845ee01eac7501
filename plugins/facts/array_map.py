"""An array that stays on disk: a read-only memory map that notices when its file is cut off."""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jepa_core import DataError


class ArrayMap:
    """The array in a file. Whoever reads a map beyond the end of its file is ended by the system, so each time its
    tensor is asked for, the file is looked at first."""

    def __init__(self, path: Path, dtype: str, shape: list[int]):
        self.path = path
        self._bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._map: mmap.mmap | None = None  # of no bytes there is none
        if self._bytes:
            with open(path, "rb") as file:
                try:
                    self._map = mmap.mmap(file.fileno(), self._bytes, access=mmap.ACCESS_READ)
                except ValueError as error:  # the file has fewer bytes by now
                    raise DataError(f"{path}: can't be read: {error}") from error
        with warnings.catch_warnings():  # torch can't express read-only, and says so
            warnings.simplefilter("ignore", UserWarning)
            values = np.frombuffer(self._map or b"", np.dtype(dtype).newbyteorder("<"))
            self._tensor = torch.from_numpy(values.reshape(shape))

    @property
    def tensor(self) -> Tensor:
        """It is read-only: writing into it crashes. Raises DataError when the file was cut off since it was opened."""
        if self._map is not None and (found := self._map.size()) < self._bytes:
            raise DataError(
                f"{self.path}: was cut off while it was read: expected {self._bytes:,} bytes, it has {found:,}"
            )
        return self._tensor
