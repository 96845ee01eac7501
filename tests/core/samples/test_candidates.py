"""Candidates by their tokens."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.candidates import Candidates
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.samples import Samples

ROWS = [[1, 2], [3], [2, 1], [1]]


def candidates(rows=ROWS) -> Candidates:
    width = max(map(len, rows), default=0)
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int64).reshape(len(rows), width)
    tags = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]).reshape(len(rows), width).long()
    hashes, order = sequence_ids(ids, tags != 0).sort()
    return Candidates(Samples(ids, tags)[order], hashes)


def test_each_is_found_by_its_tokens_wherever_they_stand():
    made = candidates()
    ids = torch.tensor([[9, 1, 2], [3, 9, 9], [2, 9, 1], [9, 9, 1]])
    select = ids != 9
    found = made.index(ids, select)
    assert [made.samples.ids[i][made.samples.valid[i]].tolist() for i in found.tolist()] == ROWS
    assert len(made) == 4


def test_one_that_is_none_is_named():
    for rows in (ROWS, []):
        with pytest.raises(DataError, match=r"tokens \[7, 1\] name no candidate of the task"):
            candidates(rows).index(torch.tensor([[7, 1, 9]]), torch.tensor([[True, True, False]]))


def test_of_no_sample():
    assert candidates().index(torch.zeros(0, 2, dtype=torch.int64), torch.zeros(0, 2, dtype=torch.bool)).shape == (0,)
