from __future__ import annotations

import pickle
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_core.samples.fingerprint import fingerprint
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import Role, from_spans
from jepa_plugins.facts.store_set import PackedSet, roles_of
from jepa_plugins.facts.store_writer import PackedSetWriter

Span = st.lists(st.integers(0, 50), min_size=1, max_size=4)


def both(folder, spans, types) -> tuple[FactSet, PackedSet]:
    """The same facts in memory and packed, numbered from 100 on."""
    facts = from_spans(spans, pad_id=99)
    writer = PackedSetWriter(folder, "train")
    writer.add(facts, torch.tensor(types))
    entry = writer.close()
    return FactSet(facts, torch.tensor(types), 100), PackedSet(folder, "train", entry, 99, 100, 100)


def facts_of(pairs) -> list:
    return [[head, [60 + len(head)], [70], tail] for head, tail in pairs]


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(a[key].dtype == b[key].dtype and torch.equal(a[key], b[key]) for key in a)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(Span, Span), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_packed_set_is_the_set_in_memory(tmp_path_factory, pairs, rng):
    types = [rng.randrange(2) for _ in pairs]
    memory, packed = both(tmp_path_factory.mktemp("set"), facts_of(pairs), types)
    assert (len(packed), packed.max_length, packed.types) == (len(memory), memory.max_length, memory.types)
    for size in (1, 3, 20):
        rows = [rng.randrange(len(pairs)) for _ in range(size)]
        assert same(packed.__getitems__(rows), memory.__getitems__(rows))
    assert packed.__getitems__([])["input_ids"].shape[0] == 0
    assert same(packed[-1], memory[-1])
    assert torch.equal(packed.facts.ids, memory.facts.ids)
    assert torch.equal(packed.facts.tags, memory.facts.tags)
    assert torch.equal(packed.sample_type, memory.sample_type)


def test_facts_of_one_layout_too(tmp_path):
    rng = random.Random(0)
    pairs = [([rng.randrange(50), rng.randrange(50)], [rng.randrange(50)]) for _ in range(300)]
    memory, packed = both(tmp_path, facts_of(pairs), [0] * 200 + [1] * 100)
    rows = rng.sample(range(300), 64)
    assert same(packed.__getitems__(rows), memory.__getitems__(rows))
    batch = packed.__getitems__(rows)
    batch["tags"][0, 0] = 5  # a batch is one's own
    assert packed.__getitems__(rows)["tags"][1].tolist() == [1, 1, 2, 3, 4]
    assert packed.__getitems__(rows)["tags"][0, 0] == 1


def test_rows_beyond_the_end_are_refused(tmp_path):
    memory, packed = both(tmp_path, facts_of([([1], [2])]), [0])
    for data_set in (memory, packed):
        with pytest.raises(IndexError):
            data_set.__getitems__([1])
        with pytest.raises(IndexError):
            data_set[1]


def test_an_empty_set(tmp_path):
    writer = PackedSetWriter(tmp_path, "train")
    packed = PackedSet(tmp_path, "train", writer.close(), 99, 100)
    assert (len(packed), packed.max_length, packed.types) == (0, 0, {})
    assert packed.__getitems__([])["input_ids"].shape == (0, 0)


def test_the_file_is_mapped_not_read(tmp_path):
    """A change of the file is seen: nothing of it is held in memory."""
    _, packed = both(tmp_path, facts_of([([1], [2]), ([3], [4])]), [0, 0])
    with open(tmp_path / "train.tokens.int32", "r+b") as file:
        file.seek(4 * 4)
        file.write(np.int32(42).tobytes())
    assert packed.__getitems__([1])["input_ids"][0, 0] == 42


def test_another_process_maps_the_files_itself(tmp_path):
    _, packed = both(tmp_path, facts_of([([i % 50], [7]) for i in range(5000)]), [0] * 5000)
    data = pickle.dumps(packed)
    assert len(data) < 3000
    assert same(pickle.loads(data).__getitems__([3, 4999]), packed.__getitems__([3, 4999]))


def test_the_first_rows_of_a_type(tmp_path, monkeypatch):
    monkeypatch.setattr("jepa_plugins.facts.fact_set._PART", 2)
    for data_set in both(tmp_path, facts_of([([1], [2])] * 7), [0, 1, 0, 0, 1, 1, 0]):
        assert data_set.first_rows("atomic", 2).tolist() == [1, 4]
        assert data_set.first_rows("atomic", 9).tolist() == [1, 4, 5]
        assert data_set.first_rows("train", 3).tolist() == [0, 2, 3]
        assert data_set.first_rows("train", 0).tolist() == []


def test_roles_by_hand():
    tags = roles_of(torch.tensor([1, 3]), torch.tensor([4, 7]), 7)
    head, relation, mask, tail, pad = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PAD
    assert tags.tolist() == [
        [head, relation, mask, tail, pad, pad, pad],
        [head, head, head, relation, mask, tail, tail],
    ]


ONE_LAYOUT, TWO_LAYOUTS = facts_of([([1], [2]), ([3], [4])]), facts_of([([1], [2]), ([3, 8], [4])])


@pytest.mark.parametrize("value", [-1, 100, 10**9])
@pytest.mark.parametrize("spans", [ONE_LAYOUT, TWO_LAYOUTS])
def test_an_id_out_of_range_is_told_with_file_and_fact(tmp_path, spans, value):
    _, packed = both(tmp_path, spans, [0, 0])
    put(tmp_path / "train.tokens.int32", "int32", -1, value)
    assert packed.__getitems__([0])["input_ids"].tolist() == [[1, 61, 70, 2]]
    for read in (lambda: packed.__getitems__([0, 1]), lambda: packed[1], lambda: packed.facts):
        with pytest.raises(DataError, match=r"train\.tokens\.int32: fact 1: there is an id that is none of .*0 to 99"):
            read()


@pytest.mark.parametrize("value", [-1, 3, 4, 6, 12, 2**62, -(2**62)])
def test_a_fact_that_can_not_begin_there_is_told(tmp_path, value):
    """The first one has tokens 0 to 3, the second one 4 to 8 of nine."""
    _, packed = both(tmp_path, TWO_LAYOUTS, [0, 0])
    put(tmp_path / "train.starts.int64", "int64", 1, value)
    if value == 4:
        assert packed.__getitems__([1])["input_ids"].tolist() == [[3, 8, 62, 70, 4]]
        return
    with pytest.raises(DataError, match=r"train\.starts\.int64: fact [01]: it can't begin and end there"):
        packed.__getitems__([0, 1])


@pytest.mark.parametrize(("spans", "place", "value"), [(TWO_LAYOUTS, 0, -1), (TWO_LAYOUTS[::-1], -1, 10)])
def test_a_fact_of_a_likely_length_outside_the_file_is_told(tmp_path, spans, place, value):
    _, packed = both(tmp_path, spans, [0, 0])
    put(tmp_path / "train.starts.int64", "int64", place, value)
    with pytest.raises(DataError, match=r"train\.starts\.int64: fact [01]: it can't begin and end there"):
        packed.__getitems__([0, 1])


@pytest.mark.parametrize(("value", "array"), [(0, "heads"), (-3, "heads"), (3, "starts"), (32_000, "starts")])
def test_a_head_of_so_many_tokens_is_told(tmp_path, value, array):
    _, packed = both(tmp_path, TWO_LAYOUTS, [0, 0])
    put(tmp_path / "train.heads.int16", "int16", 1, value)
    with pytest.raises(DataError, match=rf"train\.{array}\.\w+: fact 1: "):
        packed.__getitems__([1])


def test_a_type_that_there_is_not_is_told(tmp_path):
    _, packed = both(tmp_path, ONE_LAYOUT, [0, 0])
    put(tmp_path / "train.types.uint8", "uint8", 1, 77)
    with pytest.raises(DataError, match=r"train\.types\.uint8: fact 1: its type is none that there is"):
        packed.__getitems__([0, 1])


def test_types_that_are_not_as_many_as_was_counted(tmp_path):
    """Else somebody takes the first of none."""
    _, packed = both(tmp_path, ONE_LAYOUT, [0, 1])
    put(tmp_path / "train.types.uint8", "uint8", 1, 0)
    with pytest.raises(DataError, match=r"types\.uint8: expected 1 facts of type atomic from 1 on"):
        packed.first_rows("atomic", 1)


@pytest.mark.parametrize("array", ["tokens.int32", "types.uint8", "starts.int64", "heads.int16"])
def test_a_file_that_is_cut_off_while_it_is_read_is_told(tmp_path, array):
    """The system would end the process with SIGBUS."""
    _, packed = both(tmp_path, TWO_LAYOUTS, [0, 0])
    packed.__getitems__([0, 1])
    with open(tmp_path / f"train.{array}", "r+b") as file:
        file.truncate(1)
    with pytest.raises(
        DataError, match=rf"train\.{array}: was cut off while it was read: expected \d+ bytes, it has 1$"
    ):
        packed.__getitems__([0, 1])


def put(path, dtype: str, place: int, value: int) -> None:
    values = np.fromfile(path, dtype)
    values[place] = value
    with open(path, "r+b") as file:  # the same file, so that a map of it sees the change
        file.write(values.tobytes())


def test_its_fingerprint_is_that_of_its_files(tmp_path, monkeypatch):
    """Reads none of them: the manifest says what they hold."""
    spans = facts_of([([1], [2]), ([3, 4], [5])])
    prints = []
    for name, types in (("one", [0, 1]), ("same", [0, 1]), ("other", [1, 1])):
        (tmp_path / name).mkdir()
        _, packed = both(tmp_path / name, spans, types)
        monkeypatch.setattr(PackedSet, "select", None)
        prints.append(packed.fingerprint)
        monkeypatch.undo()
    assert prints[0] == prints[1] != prints[2]
    assert fingerprint(packed, {}, {})["train"] == {"size": 2, "sha256": prints[2]}
