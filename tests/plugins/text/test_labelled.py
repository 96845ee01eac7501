"""Batches of general trainers."""

from __future__ import annotations

import pytest
import torch

from jepa_core import IGNORE, PAD, DataError, Samples
from jepa_plugins.text.labelled import labelled
from jepa_plugins.text.prompt_to_answer import prefix_of
from jepa_plugins.text.tags import Tag

IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 3, 3]])
LABELS = torch.tensor([[IGNORE, 6, IGNORE, 8, 9], [IGNORE, IGNORE, 7, IGNORE, IGNORE]])
REAL = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def given(ids=IDS, labels=LABELS, real=REAL):
    return {"input_ids": ids, "labels": labels, "attention_mask": real}


def test_the_answer_is_the_last_run_of_labels():
    """There are several answers, and padding has the id of a token."""
    batch = labelled(given())
    assert batch["prefix_ids"].tolist() == [[5, 6, 7], [5, 6, 0]]
    assert batch["answer_ids"].tolist() == [[8, 9], [7, 0]]
    assert (batch["answer_tags"] == PAD).tolist() == [[False, False], [False, True]]
    assert batch["tags"].tolist() == [
        [Tag.USER, Tag.ASSISTANT, Tag.USER, Tag.ASSISTANT, Tag.ASSISTANT],
        [Tag.USER, Tag.USER, Tag.ASSISTANT, PAD, PAD],
    ]
    assert torch.equal(batch["labels"], LABELS)


def test_padding_on_the_left():
    left = {name: torch.stack([value[0], value[1].roll(2)]) for name, value in given().items()}
    for name, value in labelled(given()).items():
        same = labelled(left)[name]
        real = labelled(given()).get(name.replace("ids", "tags").replace("input_", ""), value)
        assert torch.equal(same.where(real != PAD, 0), value.where(real != PAD, 0)), name


def test_what_follows_an_answer_is_a_part_of_it():
    """Some templates write a line break after the end of a turn."""
    labels = torch.tensor([[IGNORE, IGNORE, 7, 8, IGNORE]])
    batch = labelled(given(IDS[:1], labels, REAL[:1]))
    assert batch["answer_ids"].tolist() == [[7, 8, 9]]
    assert batch["labels"].tolist() == labels.tolist()


def test_labels_on_padding_are_none():
    labels = LABELS.clone()
    labels[1, 3] = 3
    assert torch.equal(labelled(given(labels=labels))["labels"], LABELS)


def test_it_is_what_a_view_asks_for():
    assert prefix_of(Samples.of_batch(labelled(given()))).sum(dim=1).tolist() == [3, 2]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (given(real=None), "packed or padding-free"),
        (given(labels=torch.full_like(IDS, IGNORE)), "row 0 of the batch has no label"),
        (given(labels=torch.stack([LABELS[0], IGNORE + 0 * LABELS[1]])), "row 1 of the batch has no label"),
        (given(labels=IDS), "expected labels of answers only"),
    ],
)
def test_what_has_no_pairs_is_refused(inputs, words):
    with pytest.raises(DataError, match=words):
        labelled(inputs)
