from __future__ import annotations

import json

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.pack import pack_folder
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.store_manifest import MANIFEST, is_packed, read_manifest
from tests.plugins.facts.specimen import contents, write


@pytest.fixture
def folder(tmp_path):
    pack_folder(write(tmp_path / "task", contents()), tmp_path / "packed")
    return tmp_path / "packed"


def change(folder, **values) -> None:
    """Changes values by dotted names with _ for the dots, in the training set's entry; format at the top."""
    data = json.loads((folder / MANIFEST).read_text())
    for name, value in values.items():
        place = data if name == "format" else data["train"]
        *above, last = name.split("_")
        for key in above:
            place = place[key]
        place[last] = value
    (folder / MANIFEST).write_text(json.dumps(data))


def test_it_says_what_is_there(folder):
    manifest = read_manifest(folder)
    assert (manifest.train.facts, manifest.train.longest, manifest.train.head) == (3, 7 - 1, None)
    assert {kind: (t.facts, t.first) for kind, t in manifest.train.of_type.items()} == {
        SampleType.TRAIN: (2, 0),
        SampleType.ATOMIC: (1, 2),
    }
    assert list(manifest.evaluation) == ["train", "atomic", "test"]
    assert set(manifest.files) | {MANIFEST} == {path.name for path in folder.iterdir()}
    assert {path.name: path.stat().st_size for path in folder.iterdir() if path.name != MANIFEST} == {
        name: file.bytes for name, file in manifest.files.items()
    }


def test_without_a_manifest_packing_was_not_finished(folder):
    (folder / MANIFEST).unlink()
    assert is_packed(folder)
    with pytest.raises(DataError, match=r"manifest.json: is missing, so .* not finished: pack it again"):
        read_manifest(folder)


def test_other_folders_are_not_packed(tmp_path):
    assert not is_packed(write(tmp_path / "task", contents()))
    assert not is_packed(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["train.tokens.int32", "valid-test.types.uint8", "vocabulary.json"])
def test_a_file_that_is_cut_off_or_missing(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1])
    expected = rf"{name}: expected {len(data)} bytes, it has {len(data) - 1}; was it cut off"
    with pytest.raises(DataError, match=expected):
        read_manifest(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: expected {len(data)} bytes, it is missing"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"arrays_tokens_dtype": "int64"}, r"train.arrays.tokens: 64 bytes are no int64 array of shape \[16\]"),
        ({"arrays_tokens_dtype": "float32"}, r"train: tokens: expected int32 of shape \[16\], not float32"),
        ({"arrays_tokens_shape": [17]}, r"train.arrays.tokens: 64 bytes are no int32 array of shape \[17\]"),
        ({"arrays_types_shape": [3, 1]}, r"train: types: expected uint8 of shape \[3\], not uint8 of shape"),
        ({"facts": 4}, r"train: types: expected uint8 of shape \[4\]"),
        ({"head": 2}, r"train: expected the arrays tokens, types, not tokens, types, starts, heads"),
        ({"types_train_facts": 5}, r"train: types: expected 3 facts of type"),
        ({"arrays_tokens_sha256": "12"}, r"train.arrays.tokens.sha256: "),
        ({"longest": "six"}, r"train.longest: Input should be a valid integer"),
        ({"types_train_first": 10**9}, r"train: types.train.first: expected at most 1, not 1000000000"),
        ({"types_atomic_first": 3}, r"train: types.atomic.first: expected at most 2, not 3"),
        ({"types_train_first": -1}, r"train.types.train.first: "),
        ({"longest": 17}, r"train: longest: expected 4 to 16, not 17"),
        ({"longest": 3}, r"train: longest: expected 4 to 16, not 3"),
        ({"arrays_tokens_shape": [-16]}, r"train.arrays.tokens: 64 bytes are no int32 array of shape \[-16\]"),
        ({"facts": -1}, r"train.facts: "),
        ({"format": "jepa-core packed facts, version 9"}, r"format: .*version 1"),
    ],
)
def test_a_manifest_that_does_not_fit(folder, changes, expected):
    change(folder, **changes)
    with pytest.raises(DataError, match=f"manifest.json: {expected}"):
        read_manifest(folder)


@pytest.mark.parametrize(("head", "right"), [(0, False), (1, True), (2, True), (3, False), (10**9, False)])
def test_the_head_of_facts_of_one_layout(tmp_path, head, right):
    """Five tokens: one of the relation, the mask, and one at least of head and tail."""
    data = contents()
    for fact in (*data["train.json"], *(fact for split in data["valid.json"].values() for fact in split)):
        fact["input_text"][0], fact["target_text"][0] = fact["input_text"][0][:1] * 2, fact["target_text"][0][:1]
    data["valid.json"]["test"] = []
    pack_folder(write(tmp_path / "task", data), tmp_path / "packed")
    change(tmp_path / "packed", head=head)
    if right:
        assert read_manifest(tmp_path / "packed").train.head == head
    else:
        with pytest.raises(DataError, match=rf"manifest.json: train: head: expected 1 to 2, not {head}$"):
            read_manifest(tmp_path / "packed")


def test_a_split_is_no_path(folder):
    data = json.loads((folder / MANIFEST).read_text())
    data["evaluation"]["/../../other/test"] = data["evaluation"].pop("test")
    (folder / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(DataError, match=r"manifest\.json: evaluation\..*: Input should be 'train', 'atomic' or 'test'"):
        read_manifest(folder)


def test_a_huge_manifest_is_not_read(folder):
    with open(folder / MANIFEST, "r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match=r"manifest\.json: can't be read: larger than 1 MiB"):
        read_manifest(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"train": {}}'])
def test_something_else_than_a_manifest(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json: "):
        read_manifest(folder)
