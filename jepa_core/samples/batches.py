"""A look at batches that somebody else made: keys, shapes, types and numbers.

Axes: ``b`` samples, ``s`` tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import DataError
from jepa_core.samples.sample_set import KEYS, check_keys
from jepa_core.samples.samples import IGNORE, PAD

_WIDE = ("input_ids", "labels", "tags")


def check_batch(
    batch: Any, vocabulary: int, groups: Sequence[str] = (), needed: Iterable[str] = KEYS, tags: int | None = None
) -> None:
    """Raises DataError for a batch whose keys, shapes, types or numbers can't be right, and says which.

    vocabulary: how many ids there are; groups: names of the groups, empty where they are not known; tags: how many
    tags there are, None where that is not known.
    """
    if not isinstance(batch, Mapping):
        raise DataError(f"a batch is a {type(batch).__name__}, not a mapping of tensors")
    needed = tuple(needed)
    check_keys(batch, needed)
    for key in needed:
        _check_tensor(key, batch[key])
    b, s = batch["input_ids"].shape
    for key in needed:
        wanted = (b, s) if key in _WIDE else (b,)
        if batch[key].shape != wanted:
            raise DataError(f"the batch's {key} is {tuple(batch[key].shape)}, not {wanted} as its input_ids say")
    _check_rows(batch["tags"], tags)
    real = batch["tags"] != PAD
    _check_range("input_ids", batch["input_ids"][real], vocabulary, "the model knows")
    _check_range("labels", batch["labels"][batch["labels"] != IGNORE], vocabulary, "the model knows")
    if groups and "group" in needed:
        _check_range("group", batch["group"], len(groups), "there are")


def _check_tensor(key: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise DataError(f"the batch's {key} is a {type(value).__name__}, not a tensor")
    if value.dtype != torch.int64:
        raise DataError(f"the batch's {key} is {value.dtype}, not torch.int64 (.long() makes it so)")
    axes = 2 if key in _WIDE else 1
    if value.dim() != axes:
        raise DataError(f"the batch's {key} has {value.dim()} axes, {tuple(value.shape)}; it is {KEYS[key]}")


def _check_rows(tags: Tensor, number: int | None) -> None:
    """Looks for padding before a token, rows without a token, and tags that nothing has."""
    real = tags != PAD
    if (real[:, 1:] & ~real[:, :-1]).any():
        raise DataError("the batch has padding (tag 0) before a token: rows are padded on the right")
    if not real.any(dim=1).all():
        row = int((~real.any(dim=1)).long().argmax())
        raise DataError(f"row {row} of the batch has no token: its tags are all 0, which means padding")
    if (tags < PAD).any():
        raise DataError(f"the batch's tags has {int(tags.min())}: those below 0 are the core's own")
    if number is not None and (tags > number).any():
        raise DataError(f"the batch's tags has {int(tags.max())}, and there are {number}")


def _check_range(key: str, values: Tensor, size: int, there: str) -> None:
    wrong = values[(values < 0) | (values >= size)]
    if len(wrong):
        raise DataError(f"the batch's {key} has {int(wrong[0])}, and {there} 0 to {size - 1}")
