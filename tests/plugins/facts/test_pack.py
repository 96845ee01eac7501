from __future__ import annotations

import json

import pytest
import torch

from jepa_core.errors import DataError
from jepa_plugins.facts import alike, json_items, pack
from jepa_plugins.facts.folder import read_folder
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.pack import pack_folder, pack_generated
from jepa_plugins.facts.store import read_packed, verify_packed
from jepa_plugins.facts.task_size import TaskSize
from tests.plugins.facts.specimen import contents, item, write


@pytest.fixture(params=[None, 2], autouse=True)
def parts(request, monkeypatch):
    """All at once, and two facts at a time."""
    if request.param:
        for module, name in ((json_items, "ITEMS"), (json_items, "READ"), (alike, "FACTS"), (pack, "FACTS")):
            monkeypatch.setattr(module, name, request.param)


def same_facts(packed, task) -> bool:
    """Fact by fact, in order, in every set."""
    pairs = [(packed.train, task.train), *zip(packed.evaluation.values(), task.evaluation.values(), strict=True)]
    return packed.vocabulary == task.vocabulary and all(
        torch.equal(getattr(ours.facts, field), getattr(theirs.facts, field))
        and torch.equal(ours.sample_type, theirs.sample_type)
        and ours.first_index == theirs.first_index
        for ours, theirs in pairs
        for field in ("ids", "tags")
    )


def test_a_folder_is_packed_as_it_is_read(tmp_path):
    source, told = write(tmp_path / "task", contents()), []
    packed = pack_folder(source, tmp_path / "packed", done=told.append)
    assert packed.repeats == 0
    assert sum(told) == 3
    assert packed.manifest == verify_packed(tmp_path / "packed")
    assert same_facts(read_packed(tmp_path / "packed"), read_folder(source))


def test_relations_from_a_file(tmp_path):
    source = write(tmp_path / "task", contents())
    (tmp_path / "relations.yaml").write_text("symmetric: [r, r_inv]")
    with pytest.raises(DataError, match="no token"):
        (tmp_path / "wrong.yaml").write_text("symmetric: [x]")
        pack_folder(source, tmp_path / "packed", tmp_path / "wrong.yaml")
    pack_folder(source, tmp_path / "packed", tmp_path / "relations.yaml")
    assert read_packed(tmp_path / "packed").vocabulary.inverse_ids == (10, 11)


@pytest.mark.parametrize("size", [TaskSize(40, 24, 3, 4, 10), TaskSize(20, 10, 2, None), TaskSize(2, 2, 1, 1, 1)])
def test_the_generated_task_fact_for_fact(tmp_path, size):
    pack_generated(size, 7, tmp_path / "packed")
    assert same_facts(read_packed(tmp_path / "packed"), generate_task(size, seed=7))
    assert verify_packed(tmp_path / "packed").train.head == (1 if size.name_multiplicity is None else 2)


def test_what_is_there_twice_is_packed_once(tmp_path):
    data = contents()
    forward, backward, atomic = data["train.json"]
    data["train.json"] = [forward, backward, forward, atomic, atomic, forward]
    packed = pack_folder(write(tmp_path / "task", data), tmp_path / "packed")
    assert packed.repeats == 3
    assert (packed.manifest.train.facts, packed.manifest.train.types["atomic"].first) == (3, 2)
    assert verify_packed(tmp_path / "packed") == packed.manifest
    once = read_folder(write(tmp_path / "once", contents()))
    assert same_facts(read_packed(tmp_path / "packed"), once)


def wrong(**changes) -> dict:
    """The task with files changed, by name without .json."""
    return {**contents(), **{f"{name}.json": change(contents()[f"{name}.json"]) for name, change in changes.items()}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({**contents(), "train.json": "[{"}, r"train.json: line 1, column 3: expected JSON: .*"),
        ({**contents(), "train.json": "{}"}, r"train.json: line 1, column 1: expected a list"),
        ({**contents(), "train.json": []}, r"train.json: expected at least one fact"),
        (wrong(train=lambda t: [*t, item([99], 10, [1], "train")]), r"train.json: item 3: input_text\[0\]: expected"),
        (wrong(train=lambda t: [*t, item([1], 10, [2], "test")]), r'train.json: item 3: type: expected "train" or'),
        (wrong(train=lambda t: [*t, item([1], 10, [11], "train")]), r"train.json: item 3: target_text\[0\]: .*<r_inv>"),
        (wrong(train=lambda t: [*t, t[2] | {"type": "train"}]), r"train.json: item 3: type: expected 'atomic', as"),
        (wrong(train=lambda t: [*t, item([6], 11, [3, 4, 5], "train")]), r"test: item 0: .*train.json: item 3"),
        (wrong(valid=lambda v: v | {"test": [item([1], 10, [2], "train")]}), r'test: item 0: type: expected "test"'),
        (wrong(valid=lambda v: {"train": []}), r"valid.json: split 'atomic' is missing"),
        (wrong(vocab=lambda v: {t: i for t, i in v.items() if t != "<r_inv>"}), r"valid.json: train: item 0: input_text\[1\]"),
        (wrong(train=lambda t: t[:1], valid=lambda v: dict.fromkeys(v, []), vocab=lambda v: {t: i for t, i in v.items() if i != 11}),
         r"vocab.json: relations without an inverse"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_left(tmp_path, data, expected):
    source = write(tmp_path / "task", data)
    with pytest.raises(DataError, match=expected):
        pack_folder(source, tmp_path / "packed")
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_a_source_that_is_not_there_or_the_target_itself(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: expected a folder with train.json"):
        pack_folder(tmp_path / "nowhere", tmp_path / "packed")
    source = write(tmp_path / "task", contents())
    with pytest.raises(DataError, match="expected a new or an empty folder"):
        pack_folder(source, source, overwrite=True)
    assert json.loads((source / "train.json").read_text()) == contents()["train.json"]


def test_a_packed_task_is_replaced_only_when_told(tmp_path):
    pack_generated(TaskSize(20, 10, 2, 5), 1, tmp_path / "packed")
    with pytest.raises(DataError, match="--overwrite"):
        pack_generated(TaskSize(20, 10, 2, 5), 2, tmp_path / "packed")
    before = read_packed(tmp_path / "packed").train
    pack_folder(write(tmp_path / "task", contents()), tmp_path / "packed", overwrite=True)
    assert verify_packed(tmp_path / "packed").train.facts == 3
    assert len(before.facts) == 50  # a run that reads the old one goes on
