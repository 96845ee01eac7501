from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.roles import Role, from_spans
from jepa_plugins.facts.store_manifest import file_name
from jepa_plugins.facts.store_writer import ArrayWriter, PackedSetWriter, write_described

SHORT, OTHER, LONG = [[0], [7], [6], [1]], [[3], [8], [6], [2]], [[2, 3, 4], [7], [6], [0, 1]]


def facts(*spans) -> Samples:
    return from_spans(list(spans), pad_id=9)


def content(folder, array: str) -> list[int]:
    name = file_name("train", array)
    return np.fromfile(folder / name, name.rsplit(".")[-1]).tolist()


def test_an_array_written_in_parts(tmp_path):
    writer = ArrayWriter(tmp_path / "a", "int32")
    writer.write(np.array([[1, 2], [3, 4]]))
    writer.write(np.array([5, -6], dtype=np.int64))
    packed = writer.close(2)
    data = (tmp_path / "a").read_bytes()
    assert data == b"".join(i.to_bytes(4, "little", signed=True) for i in (1, 2, 3, 4, 5, -6))
    assert (packed.bytes, packed.dtype, packed.shape) == (24, "int32", [3, 2])
    assert packed.sha256 == hashlib.sha256(data).hexdigest()


def test_facts_of_one_layout_are_a_table(tmp_path):
    writer = PackedSetWriter(tmp_path, "train")
    writer.add(facts(SHORT), torch.tensor([0]))
    writer.add(facts(OTHER, SHORT), torch.tensor([1, 0]))
    entry = writer.close()
    assert content(tmp_path, "tokens") == [0, 7, 6, 1, 3, 8, 6, 2, 0, 7, 6, 1]
    assert content(tmp_path, "types") == [0, 1, 0]
    assert (entry.facts, entry.longest, entry.head) == (3, 4, 1)
    assert {name: array.shape for name, array in entry.arrays.items()} == {"tokens": [3, 4], "types": [3]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.tokens.int32", "train.types.uint8"]
    assert {name: (count.facts, count.first) for name, count in entry.types.items()} == {
        "train": (2, 0),
        "atomic": (1, 1),
    }


@pytest.mark.parametrize("parts", [[[SHORT, LONG, SHORT]], [[SHORT], [LONG, SHORT]], [[SHORT], [LONG], [], [SHORT]]])
def test_facts_of_mixed_layout_stand_one_after_the_other(tmp_path, parts):
    writer = PackedSetWriter(tmp_path, "train")
    for part in parts:
        writer.add(facts(*part), torch.zeros(len(part), dtype=torch.int64))
    entry = writer.close()
    assert content(tmp_path, "tokens") == [0, 7, 6, 1, 2, 3, 4, 7, 6, 0, 1, 0, 7, 6, 1]
    assert content(tmp_path, "starts") == [0, 4, 11, 15]
    assert content(tmp_path, "heads") == [1, 3, 1]
    assert (entry.facts, entry.longest, entry.head) == (3, 7, None)
    assert entry.arrays["tokens"].shape == [15]


def test_the_same_length_in_two_layouts_is_mixed(tmp_path):
    writer = PackedSetWriter(tmp_path, "train")
    writer.add(facts([[0, 1], [7], [6], [2]], [[0], [7], [6], [1, 2]]), torch.tensor([0, 0]))
    assert writer.close().head is None


def test_nothing(tmp_path):
    entry = PackedSetWriter(tmp_path, "train").close()
    assert (entry.facts, entry.longest, entry.head, entry.types) == (0, 0, 0, {})
    assert entry.arrays["tokens"].shape == [0, 0]


def test_no_more_bytes_than_the_tokens_and_one_for_the_type(tmp_path):
    writer = PackedSetWriter(tmp_path, "train")
    for _ in range(5):
        writer.add(facts(*[SHORT] * 1000), torch.zeros(1000, dtype=torch.int64))
    writer.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 5000 * (4 * 4 + 1)


def test_a_head_that_16_bits_cannot_count(tmp_path):
    tags = torch.full((1, 32_771), Role.HEAD)
    tags[0, -3:] = torch.tensor([Role.RELATION, Role.MASK, Role.TAIL])
    with pytest.raises(DataError, match=r"train\.heads\.int16: a head of 32,768 tokens is too long"):
        PackedSetWriter(tmp_path, "train").add(Samples(torch.zeros_like(tags), tags), torch.tensor([0]))


def test_bytes(tmp_path):
    packed = write_described(tmp_path / "v", b"abc")
    assert (packed.bytes, packed.sha256[:8]) == (3, "ba7816bf")
