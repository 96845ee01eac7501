"""The candidates of a task: everything that a target may be, where the dataset can list it.

Axes: ``m`` candidates, ``w`` tokens of the longest, ``n`` samples, ``s`` tokens of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jepa_core.errors import DataError
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.samples import Samples


@dataclass(frozen=True)
class Candidates:
    """samples: ``m w``, a row for each candidate; hashes: ``m`` int64, hashes of their tokens, ascending."""

    samples: Samples
    hashes: Tensor

    def __len__(self) -> int:
        return len(self.hashes)

    def index(self, ids: Tensor, select: Tensor) -> Tensor:
        """Finds the candidate that the selected tokens ``n s`` of each row spell; returns its number, ``n`` int64.

        Raises DataError for one that is not among these.
        """
        wanted = sequence_ids(ids, select)
        found = self.nearest(wanted)
        unknown = self.hashes[found] != wanted if len(self) else torch.ones(len(ids), dtype=torch.bool)
        if unknown.any():
            row = int(unknown.nonzero()[0])
            raise DataError(f"tokens {ids[row][select[row]].tolist()} name no candidate of the task")
        return found

    def nearest(self, hashes: Tensor) -> Tensor:
        """Finds the candidate, int64, that has each of these hashes, or some other one where none has it."""
        place = np.searchsorted(self.hashes.numpy(), hashes.numpy())
        return torch.from_numpy(place).clamp(max=max(len(self) - 1, 0))


@dataclass(frozen=True)
class Asked:
    """The question in each of the samples ``n s``. question: bool, the tokens that ask; answer: bool, the token in
    whose place the answer stands before it is spelled."""

    question: Tensor
    answer: Tensor
