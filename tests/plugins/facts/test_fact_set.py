from __future__ import annotations

import pytest
import torch

from jepa_core.samples.sample_set import collate
from jepa_plugins.facts.fact_set import FactSet, OfType
from jepa_plugins.facts.roles import SampleType, from_spans
from jepa_plugins.facts.task import task_of_facts
from tests.support import vocabulary as make_vocabulary

SHORT, LONG = [[0], [7], [6], [1]], [[2, 3, 4], [7], [6], [0, 1]]
FACTS = from_spans([SHORT, LONG, SHORT], pad_id=9)
SET = FactSet(FACTS, torch.tensor([0, 1, 0]), first_index=10)


def test_a_batch_by_hand():
    batch = SET.__getitems__([2, 1])
    assert batch["input_ids"].tolist() == [[0, 7, 6, 1, 9, 9, 9], [2, 3, 4, 7, 6, 0, 1]]
    assert batch["labels"].tolist() == [[-100] * 3 + [1] + [-100] * 3, [-100] * 5 + [0, 1]]
    assert batch["tags"].tolist() == [[1, 2, 3, 4, 0, 0, 0], [1, 1, 1, 2, 3, 4, 4]]
    assert batch["group"].tolist() == [0, 1]
    assert batch["index"].tolist() == [12, 11]
    assert {value.dtype for value in batch.values()} == {torch.int64}


def test_a_batch_is_as_wide_as_its_longest_fact():
    assert SET.__getitems__([0, 2])["input_ids"].tolist() == [[0, 7, 6, 1]] * 2
    assert SET.__getitems__([])["input_ids"].shape == (0, 0)


def test_one_by_one_and_collated_is_the_ready_batch():
    batch, ready = collate([SET[1], SET[-1]]), SET.__getitems__([1, 2])
    assert batch.keys() == ready.keys()
    # Ids under padding say nothing: the two ways may fill them differently.
    real = ready["tags"] != 0
    assert torch.equal(batch["input_ids"][real], ready["input_ids"][real])
    assert all(torch.equal(batch[key], ready[key]) for key in ready if key != "input_ids")
    assert collate(ready) is ready
    with pytest.raises(IndexError):
        SET[3]


def test_lengths():
    assert SET.max_length == 7
    assert FactSet(FACTS[torch.tensor([0, 2])], torch.tensor([0, 0])).max_length == 4
    assert FactSet(from_spans([], 9), torch.tensor([])).max_length == 0


def test_how_many_of_each_type_and_the_first():
    assert SET.types == {SampleType.TRAIN: OfType(2, 0), SampleType.ATOMIC: OfType(1, 1)}
    assert SET.first_rows("train", 1).tolist() == [0]
    assert SET.first_rows("train", 5).tolist() == [0, 2]


def test_ids_are_kept_in_32_bits_and_given_back_in_64():
    assert SET.ids.dtype == torch.int32
    assert torch.equal(SET.facts.ids, FACTS.ids)
    assert torch.equal(SET.facts.tags, FACTS.tags)


def test_a_type_for_every_fact():
    with pytest.raises(ValueError, match=r"sample_type is \(3,\), not \(2,\)"):
        FactSet(FACTS, torch.tensor([0, 0]))


def test_the_sets_of_a_task_are_typed_and_numbered_apart():
    vocabulary = make_vocabulary({"<mask>": 6, "<pad>": 9}, (), 6, 9)
    one = FACTS[torch.tensor([0])]
    task = task_of_facts(vocabulary, FACTS, torch.tensor([0, 0, 1]), {"atomic": FACTS, "test": one})
    assert task.train.__getitems__([0, 1, 2])["index"].tolist() == [0, 1, 2]
    assert task.evaluation["atomic"].__getitems__([0, 2])["index"].tolist() == [3, 5]
    assert task.evaluation["test"][0]["index"] == 6
    assert task.evaluation["atomic"].sample_type.tolist() == [1, 1, 1]
    assert task.evaluation["test"].sample_type.tolist() == [2]
