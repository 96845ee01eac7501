"""Turning a batch of a general trainer into one that a :class:`jepa_core.JepaObjective` takes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jepa_core import IGNORE, PAD, Batch, DataError, Samples
from jepa_plugins.text.tags import Tag


def labelled(inputs: Mapping[str, Tensor]) -> Batch:
    """Adds tags and the renderings ``prefix`` and ``answer``, on the host, where steps are planned.

    inputs: ``input_ids``, ``attention_mask`` and ``labels``, ``b s`` each, as the collators of TRL and transformers
    make them, padded on either side. The answer is the last run of labels, and the prefix everything before it,
    including the opening of the answer's turn by a chat template. Raises DataError for rows of several conversations,
    and for rows without a label or without anything before it.

    >>> ids = torch.tensor([[5, 6, 7, 8], [5, 9, 0, 0]])
    >>> labels = torch.tensor([[-100, -100, 7, 8], [-100, 9, -100, -100]])
    >>> batch = labelled({"input_ids": ids, "labels": labels, "attention_mask": (ids > 0).long()})
    >>> batch["prefix_ids"].tolist(), batch["answer_ids"].tolist()
    ([[5, 6], [5, 0]], [[7, 8], [9, 0]])
    """
    if inputs.get("attention_mask") is None:
        raise DataError("labelled: expected an attention_mask: a packed or padding-free batch has no pairs in it")
    real = inputs["attention_mask"].cpu().bool()
    order = (~real).long().argsort(dim=1, stable=True)  # padding on the left moves to the right
    ids, labels, real = (each.cpu().gather(1, order) for each in (inputs["input_ids"], inputs["labels"], real))
    said = (labels != IGNORE) & real
    if not said.any(dim=1).all():
        raise DataError(f"labelled: row {int((~said.any(dim=1)).long().argmax())} of the batch has no label")
    samples = Samples(ids, torch.where(said, Tag.ASSISTANT, Tag.USER).where(real, PAD))
    place = torch.arange(ids.shape[1])
    before = place < _begins(said)[:, None]
    if not before.any(dim=1).all():
        raise DataError("labelled: a row has nothing before its answer: expected labels of answers only")
    views = {"prefix": samples.where(before), "answer": samples.where(~before)}
    return {
        "input_ids": ids,
        "labels": labels.where(real, IGNORE),
        "tags": samples.tags,
        "group": torch.zeros(len(ids), dtype=torch.int64),
        "index": torch.arange(len(ids)),
        **{f"{name}_ids": view.ids.where(view.valid, 0) for name, view in views.items()},
        **{f"{name}_tags": view.tags for name, view in views.items()},
    }


def _begins(said: Tensor) -> Tensor:
    """The beginning ``b`` of the last run of labels."""
    earlier = torch.nn.functional.pad(said[:, :-1], (1, 0))
    first = said & ~earlier
    return torch.arange(said.shape[1]).where(first, -1).amax(dim=1)
