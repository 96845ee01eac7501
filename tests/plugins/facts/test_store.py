from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.folder.files import read_bytes
from jepa_plugins.facts import json_file, store
from jepa_plugins.facts.folder import read_folder
from jepa_plugins.facts.pack import pack_folder
from jepa_plugins.facts.store import packed_draft, read_packed, refuse_occupied, verify_packed
from tests.plugins.facts.specimen import contents, write


@pytest.fixture
def folder(tmp_path):
    pack_folder(write(tmp_path / "task", contents()), tmp_path / "packed")
    return tmp_path / "packed"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_packed_task_is_the_task(folder, tmp_path):
    packed, task = read_packed(folder), read_folder(tmp_path / "task")
    assert packed.vocabulary == task.vocabulary
    assert list(packed.evaluation) == list(task.evaluation)
    pairs = [(packed.train, task.train), *zip(packed.evaluation.values(), task.evaluation.values(), strict=True)]
    for ours, theirs in pairs:
        one, other = (data_set.__getitems__(range(len(theirs))) for data_set in (ours, theirs))
        assert all(torch.equal(one[key], other[key]) for key in other)


def test_what_was_packed_passes(folder):
    assert verify_packed(folder).train.facts == 3


@pytest.mark.parametrize("name", ["train.tokens.int32", "train.types.uint8", "train.starts.int64", "vocabulary.json"])
def test_one_changed_byte_is_found_when_every_byte_is_read(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(DataError, match=rf"packed/{name}: .*was changed since it was packed"):
        verify_packed(folder)


def test_one_flipped_bit_anywhere_is_found(folder):
    """Flips it in every file that the manifest has the hash of."""
    rng = Random(7)
    for path in sorted(folder.iterdir()):
        before = path.read_bytes()
        for _ in range(12 if before and path.name != "manifest.json" else 0):
            data = bytearray(before)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            path.write_bytes(data)
            for read in (verify_packed, read_packed):  # so small a task is compared each time
                with pytest.raises(DataError) as error:
                    read(folder)
                assert str(error.value).startswith(str(folder))
                assert "\n" not in str(error.value)
            path.write_bytes(before)
    verify_packed(folder)


def test_a_flipped_id_is_told_with_its_fact_before_anything_is_trained(folder):
    tokens = np.fromfile(folder / "train.tokens.int32", "int32")
    tokens[5] = 10**9
    tokens.tofile(folder / "train.tokens.int32")
    with pytest.raises(DataError, match=r"packed/train\.tokens\.int32: fact 1: there is an id that is none of"):
        read_packed(folder)


def test_a_large_task_is_compared_only_when_that_is_asked_for(folder, monkeypatch):
    monkeypatch.setattr(store, "COMPARED", 100)
    tokens = np.fromfile(folder / "train.tokens.int32", "int32")
    tokens[0] = 1
    tokens.tofile(folder / "train.tokens.int32")
    assert read_packed(folder).train[0]["input_ids"][0] == 1
    with pytest.raises(DataError, match=r"train\.tokens\.int32: was changed since it was packed: expected sha256"):
        verify_packed(folder)


def test_opening_reads_no_set(folder, monkeypatch):
    """Opening reads the manifest and the vocabulary, however large the sets are."""
    read = []
    monkeypatch.setattr(store, "COMPARED", 100)
    monkeypatch.setattr("hashlib.file_digest", None)
    monkeypatch.setattr(json_file, "read_bytes", lambda path, limit: read.append(path.name) or read_bytes(path, limit))
    monkeypatch.setattr("jepa_plugins.facts.store_set.PackedSet.select", None)
    task = read_packed(folder)
    assert read == ["manifest.json", "vocabulary.json"]
    assert (len(task.train), task.train.max_length, task.train.first_index) == (3, 6, 0)
    assert [data_set.first_index for data_set in task.evaluation.values()] == [3, 4, 5]


@pytest.mark.parametrize("text", ["[]", "{}", '{"token_to_id": 3}'])
def test_something_else_than_a_vocabulary(folder, text):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["vocabulary"] = {"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    write(folder, {"manifest.json": manifest, "vocabulary.json": text})
    with pytest.raises(DataError, match=r"packed/vocabulary\.json: not a saved vocabulary"):
        read_packed(folder)


def test_a_draft_takes_the_place_of_the_folder(tmp_path):
    with packed_draft(tmp_path / "deep" / "new", overwrite=False) as draft:
        (draft / "manifest.json").write_text("1")
        assert not (tmp_path / "deep" / "new").exists()
    assert snapshot(tmp_path / "deep" / "new") == {"manifest.json": b"1"}
    (tmp_path / "empty").mkdir()
    with packed_draft(tmp_path / "empty", overwrite=False) as draft:
        (draft / "manifest.json").write_text("2")
    assert snapshot(tmp_path / "empty") == {"manifest.json": b"2"}
    with packed_draft(tmp_path / "empty", overwrite=True) as draft:
        (draft / "vocabulary.json").write_text("3")
    assert snapshot(tmp_path / "empty") == {"vocabulary.json": b"3"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "empty"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), DataError("bad"), KeyboardInterrupt()])
def test_a_failure_leaves_everything_as_it_was(folder, tmp_path, error):
    before = snapshot(folder)
    for target in (folder, tmp_path / "new"):
        with (
            pytest.raises(DataError if isinstance(error, OSError) else type(error)) as found,
            packed_draft(target, overwrite=True) as draft,
        ):
            (draft / "manifest.json").write_text("half")
            raise error
        assert "No space" not in str(error) or "can't be written: No space" in str(found.value)
    assert snapshot(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "task"]


def test_a_failure_between_the_two_moves_puts_the_old_task_back(folder, tmp_path, monkeypatch):
    before, rename = snapshot(folder), Path.rename

    def fail(path: Path, target: Path):
        if ".part-" in path.name:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(DataError, match="can't be written"), packed_draft(folder, overwrite=True) as draft:
        (draft / "manifest.json").write_text("new")
    assert snapshot(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "task"]


def test_what_is_there_is_not_overwritten(folder, tmp_path):
    refuse_occupied(tmp_path / "new", False)
    with pytest.raises(DataError, match=r"packed: a packed task is there already; --overwrite replaces it"):
        refuse_occupied(folder, False)
    refuse_occupied(folder, True)
    for overwrite in (False, True):
        with pytest.raises(DataError, match=r"task: expected a new or an empty folder"):
            refuse_occupied(tmp_path / "task", overwrite)
        with pytest.raises(DataError, match=r"vocab.json: expected a folder, this is a file"):
            refuse_occupied(tmp_path / "task" / "vocab.json", overwrite)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"nothing but a packed task to replace, there is notes.txt"):
        refuse_occupied(folder, True)
