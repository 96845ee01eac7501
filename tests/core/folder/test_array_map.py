from __future__ import annotations

import os

import numpy as np
import pytest

from jepa_core.errors import DataError
from jepa_core.folder.array_map import ArrayMap


def test_a_map_needs_no_right_to_write_and_does_not_warn(tmp_path, recwarn):
    path = tmp_path / "a"
    np.arange(6, dtype="<i4").tofile(path)
    path.chmod(0o444)
    assert ArrayMap(path, "int32", [3, 2]).tensor.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert not recwarn.list


def test_nothing_is_mapped_of_an_array_without_numbers(tmp_path):
    (tmp_path / "a").touch()
    assert tuple(ArrayMap(tmp_path / "a", "int32", [0, 4]).tensor.shape) == (0, 4)


def test_a_file_that_is_cut_off_is_told_and_one_that_is_replaced_stays(tmp_path):
    """Packed again, a task's files are others under the same names; who has opened the first ones goes on with them."""
    path = tmp_path / "a"
    np.arange(2000, dtype="<i4").tofile(path)
    opened = ArrayMap(path, "int32", [2000])
    (tmp_path / "b").write_bytes(b"other")
    (tmp_path / "b").replace(path)
    assert opened.tensor[-1] == 1999
    other = ArrayMap(path, "uint8", [5])
    os.truncate(path, 2)
    with pytest.raises(DataError, match=r"a: was cut off while it was read: expected 5 bytes, it has 2$"):
        other.tensor.sum()
