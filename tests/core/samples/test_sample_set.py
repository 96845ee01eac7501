"""Samples to a batch."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.sample_set import KEYS, check_keys, collate
from jepa_core.samples.samples import IGNORE, PAD
from tests.support import SAMPLES, small_set


def test_samples_are_padded_on_the_right_to_the_longest_of_the_batch():
    data = small_set()
    batch = collate([data[1], data[0], data[4]])
    assert [batch[key].shape for key in ("input_ids", "labels", "tags")] == [(3, 6)] * 3
    assert batch["input_ids"][2].tolist() == [14, 19, 16, 15, PAD, PAD]
    assert batch["tags"][2].tolist() == [1, 2, 3, 4, PAD, PAD]
    assert batch["labels"][2].tolist() == [IGNORE, IGNORE, IGNORE, 15, IGNORE, IGNORE]
    assert (batch["index"].tolist(), batch["group"].tolist()) == ([1, 0, 4], [1, 0, 1])


def test_as_the_set_would_have_batched_them():
    data = small_set()
    theirs, ours = data.__getitems__(range(len(SAMPLES))), collate([data[i] for i in range(len(SAMPLES))])
    for key in ("labels", "tags", "index", "group"):
        assert torch.equal(ours[key], theirs[key])
    assert torch.equal(
        ours["input_ids"].where(ours["tags"] != PAD, 0), theirs["input_ids"].where(theirs["tags"] != PAD, 0)
    )


def test_a_ready_batch_passes_through():
    batch = small_set().__getitems__([0, 1])
    assert collate(batch) is batch


def test_what_a_batch_lacks_is_told_by_name_and_meaning():
    whole = {name: torch.zeros(1) for name in KEYS}
    check_keys(whole)
    del whole["tags"], whole["index"]
    with pytest.raises(DataError) as told:
        check_keys(whole)
    assert str(told.value) == (
        "the batch has no 'tags', (b, s) what each token is: 1, 2, … as the dataset names them, 0 for padding; no "
        "'index', (b,) a number of its own for each sample, by which its random draws are made; it has input_ids, "
        "labels, group (run.collate makes whole batches)"
    )


@pytest.mark.parametrize(("samples", "words"), [([], "there is none"), (None, "there is none")])
def test_nothing_makes_no_batch(samples, words):
    with pytest.raises(DataError, match=words):
        collate(samples)


def test_samples_of_one_batch_have_the_same_keys():
    data = small_set()
    with pytest.raises(DataError, match="the samples do not all have the same keys"):
        collate([data[0], {key: value for key, value in data[1].items() if key != "labels"}])
