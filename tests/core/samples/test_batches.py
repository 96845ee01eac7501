"""A batch from elsewhere that can't be right is told with its key."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.batches import check_batch


def batch(**changed: object) -> dict[str, object]:
    """Two samples, of three tokens and of two."""
    good = {
        "input_ids": torch.tensor([[5, 6, 7], [8, 9, 0]]),
        "labels": torch.tensor([[-100, 6, 7], [-100, 9, -100]]),
        "tags": torch.tensor([[1, 2, 2], [1, 2, 0]]),
        "group": torch.tensor([0, 1]),
        "index": torch.tensor([3, 4]),
    }
    return good | changed


def check(**changed: object) -> None:
    check_batch(batch(**changed), 10, ("train", "test"), tags=2)


def test_a_good_one_passes():
    check()
    check(more=[object()], roles=None)
    check_batch({key: value[:0] for key, value in batch().items()}, 10)  # type: ignore[index]
    check_batch(batch(group=torch.tensor([7, 8]), tags=torch.tensor([[9, 9, 9], [9, 9, 0]])), 10)
    check(input_ids=torch.tensor([[5, 6, 7], [8, 9, 99]]))  # at padding


def test_only_the_needed_keys_are_looked_at():
    bare = {key: value for key, value in batch().items() if key not in ("group", "index")}
    check_batch(bare, 10, ("train",), needed=("input_ids", "labels", "tags"))
    with pytest.raises(DataError, match=r"the batch has no 'group', .*; no 'index'"):
        check_batch(bare, 10)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": [[1]]}, "labels is a list, not a tensor"),
        ({"index": None}, "index is a NoneType, not a tensor"),
        ({"input_ids": torch.ones(2, 3)}, r"input_ids is torch.float32, not torch.int64 \(.long\(\) makes it so\)"),
        ({"index": torch.tensor([3, 4]).int()}, "index is torch.int32"),
        ({"tags": torch.tensor([1, 2])}, r"tags has 1 axes, \(2,\); it is \(b, s\)"),
        ({"group": torch.tensor([[0], [1]])}, r"group has 2 axes, \(2, 1\); it is \(b,\)"),
        ({"labels": torch.full((2, 2), -100)}, r"labels is \(2, 2\), not \(2, 3\) as its input_ids say"),
        ({"index": torch.tensor([3])}, r"index is \(1,\), not \(2,\)"),
        ({"tags": torch.tensor([[0, 1, 1], [1, 1, 0]])}, r"has padding \(tag 0\) before a token"),
        ({"tags": torch.tensor([[1, 1, 1], [0, 0, 0]])}, "row 1 of the batch has no token"),
        ({"tags": torch.tensor([[1, 1, -1], [1, 1, 0]])}, "tags has -1: those below 0 are the core's own"),
        ({"tags": torch.tensor([[1, 1, 3], [1, 1, 0]])}, "tags has 3, and there are 2"),
        ({"input_ids": torch.tensor([[5, 6, 10], [8, 9, 0]])}, "input_ids has 10, and the model knows 0 to 9"),
        ({"input_ids": torch.tensor([[5, 6, -1], [8, 9, 0]])}, "input_ids has -1"),
        ({"labels": torch.tensor([[-100, 6, -1], [-100, 9, -100]])}, "labels has -1"),
        ({"labels": torch.tensor([[-100, 6, 10], [-100, 9, -100]])}, "labels has 10, and the model knows 0 to 9"),
        ({"group": torch.tensor([0, 2])}, "group has 2, and there are 0 to 1"),
    ],
)
def test_what_is_wrong_is_told(changed, words):
    with pytest.raises(DataError, match=words):
        check(**changed)


def test_anything_else_is_no_batch():
    with pytest.raises(DataError, match="a batch is a list, not a mapping"):
        check_batch([torch.ones(1)], 10)
