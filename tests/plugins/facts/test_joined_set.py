"""Two sets of facts as one."""

import pickle

import torch
from hypothesis import given
from hypothesis import strategies as st

from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.joined_set import JoinedSet, of_data, of_group
from jepa_plugins.facts.roles import Role, SampleType, from_spans
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.store_writer import PackedSetWriter
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_set

LONG = [[[1, 2, 3, 4], [17], [MASK_ID], [5, 6, 7]], [[8], [18], [MASK_ID], [9]]]


def joined() -> JoinedSet:
    """Five facts of two types, then two rehearsed ones that are numbered from 100 on."""
    rehearsed = FactSet(from_spans(LONG, PAD_ID), torch.full((2,), int(SampleType.REHEARSED)), 100)
    return JoinedSet(small_set(), rehearsed, PAD_ID)


def plain(batch) -> list[list[int]]:
    return [ids[tags != Role.PAD].tolist() for ids, tags in zip(batch["input_ids"], batch["tags"], strict=True)]


def test_by_hand():
    both = joined()
    assert len(both) == 7
    assert both.max_length == 9
    assert both.group_sizes == {"train": 3, "atomic": 2, "rehearsed": 2}
    assert both.first_rows("rehearsed", 5).tolist() == [5, 6]
    assert both[6]["input_ids"].tolist() == [8, 18, MASK_ID, 9]
    assert both[6]["labels"].tolist() == [-100, -100, -100, 9]
    batch = both.__getitems__([6, 0, 5])
    assert batch["index"].tolist() == [101, 0, 100]
    assert batch["group"].tolist() == [SampleType.REHEARSED, SampleType.TRAIN, SampleType.REHEARSED]
    assert batch["input_ids"][0].tolist() == [8, 18, MASK_ID, 9, *[PAD_ID] * 5]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9))
def test_a_batch_is_the_samples_one_by_one(rows):
    both = joined()
    batch = both.__getitems__(rows)
    single = [both[row] for row in rows]
    assert plain(batch) == [plain({k: v[None] for k, v in one.items()})[0] for one in single]
    assert batch["index"].tolist() == [int(one["index"]) for one in single]
    assert batch["input_ids"].shape[1] == max(len(one["input_ids"]) for one in single)


def test_the_first_may_stay_on_disk(tmp_path):
    facts = small_set()
    writer = PackedSetWriter(tmp_path, "train")
    writer.add(facts.facts, facts.sample_type.long())
    packed = PackedSet(tmp_path, "train", writer.close(), PAD_ID, 1 << 20)
    both, again = joined(), JoinedSet(packed, joined().second, PAD_ID)
    for each in (again, pickle.loads(pickle.dumps(again))):
        one, other = both.__getitems__(range(7)), each.__getitems__(range(7))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_what_the_data_say():
    both = joined()
    assert of_data(both) is both.first
    assert of_data(both.first) is both.first
    assert len(both.first) == len(SAMPLES)
    added = FactSet(from_spans(LONG, PAD_ID), torch.full((2,), int(SampleType.ADDED)), 200)
    three = JoinedSet(both, added, PAD_ID)
    assert of_data(three) is both.first
    assert of_group(three, SampleType.REHEARSED) == [both.second]
    assert of_group(three, SampleType.ADDED) == [added]
    assert of_group(both.first, SampleType.REHEARSED) == []
