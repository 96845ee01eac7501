from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts.folder import FILES, read_folder
from tests.plugins.facts.specimen import contents, item, triples, write


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "task", contents())


def refusal(folder) -> str:
    with pytest.raises(DataError) as error:
        read_folder(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_by_hand(folder):
    task = read_folder(folder)
    assert triples(task.train) == [((0,), 10, (1, 2)), ((1, 2), 11, (0,)), ((3, 4, 5), 10, (6,))]
    assert task.train.sample_type.tolist() == [0, 0, 1]
    assert triples(task.evaluation["test"]) == [((6,), 11, (3, 4, 5))]
    assert {split: facts.sample_type.tolist() for split, facts in task.evaluation.items()} == {
        "train": [0],
        "atomic": [1],
        "test": [2],
    }
    assert [facts.first_index for facts in (task.train, *task.evaluation.values())] == [0, 3, 4, 5]
    vocabulary = task.vocabulary
    assert (vocabulary.mask_id, vocabulary.pad_id, vocabulary.size) == (9, 12, 13)
    assert (vocabulary.relation_ids, vocabulary.inverse_ids) == ((10, 11), (11, 10))


def test_relations_that_no_fact_uses_are_known_by_name(folder):
    vocab = {**contents()["vocab.json"], "<s>": 13, "<s_inv>": 14}
    write(folder, {"vocab.json": vocab})
    assert read_folder(folder).vocabulary.relation_ids == (10, 11, 13, 14)


def test_relations_may_be_stated_in_a_file(folder, tmp_path):
    vocab = {("<up>" if i == 10 else "<down>" if i == 11 else t): i for t, i in contents()["vocab.json"].items()}
    vocab["<beside>"] = 13
    data = contents()
    data["train.json"] += [item([0], 13, [1, 2], "train"), item([1, 2], 13, [0], "train")]
    write(folder, {**data, "vocab.json": vocab})
    assert "relations without an inverse: '<up>' (10)" in refusal(folder)
    stated = tmp_path / "relations.yaml"
    stated.write_text("inverse_pairs: [[up, down]]\nsymmetric: [beside]\n")
    vocabulary = read_folder(folder, stated).vocabulary
    assert (vocabulary.relation_ids, vocabulary.inverse_ids) == ((10, 11, 13), (11, 10, 13))
    stated.write_text("inverse_pairs: [[up, down]]\n")
    with pytest.raises(DataError, match=r"relations.yaml: relation '<beside>' \(13\) is used, but has no inverse"):
        read_folder(folder, stated)


def test_what_is_no_folder(tmp_path):
    assert refusal(tmp_path / "none").endswith("; there is no such folder")
    (tmp_path / "file").write_text("")
    assert "expected a folder with train.json, valid.json, vocab.json" in refusal(tmp_path / "file")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    assert refusal(folder).endswith(f"; missing: {name}")


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file(folder, name):
    text = (folder / name).read_text()
    (folder / name).write_text(text[: len(text) // 2])
    assert refusal(folder).startswith(f"{folder / name}: line 1, column ")


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 10**6))
def test_damage_anywhere_is_either_harmless_or_named(tmp_path_factory, seed):
    """Cuts a file or changes a character of it: never anything but a task or a DataError naming a file."""
    rng = random.Random(seed)
    files = {name: json.dumps(value) for name, value in contents().items()}
    name = rng.choice(FILES)
    place = rng.randrange(len(files[name]))
    files[name] = files[name][:place] + rng.choice(["", *'0123456789-."[]{},']) + files[name][place + 1 :]
    folder = write(tmp_path_factory.mktemp("damaged"), files)
    message = str(folder)
    try:
        read_folder(folder)
    except DataError as error:
        message = str(error)
    assert message.startswith(str(folder))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: d["valid.json"].pop("test"),
            "valid.json: split 'test' is missing: expected a list of facts",
        ),
        (
            lambda d: d["valid.json"].update(atomics=d["valid.json"].pop("atomic")),
            "valid.json: split 'atomic' is missing; did you mean 'atomics'?",
        ),
        (
            lambda d: d["valid.json"].update(dev=[]),
            "valid.json: unknown split 'dev': expected train, atomic, test",
        ),
        (lambda d: d.update({"valid.json": []}), "valid.json: expected an object with the splits"),
        (lambda d: d["valid.json"].update(test=None), "valid.json: test: expected a list of facts, not null"),
        (lambda d: d["train.json"].clear(), "train.json: expected at least one fact"),
        (
            lambda d: d["train.json"][1].update(type="test"),
            'train.json: item 1: type: expected "train" or "atomic"',
        ),
        (
            lambda d: d["valid.json"]["test"][0].update(type="atomic"),
            'valid.json: test: item 0: type: expected "test"',
        ),
        (
            lambda d: d["valid.json"]["atomic"][0].update(target_text=[[]]),
            "valid.json: atomic: item 0: target_text[0]",
        ),
        (
            lambda d: d["train.json"][2].update(target_text=[[99]]),
            "train.json: item 2: target_text[0]: expected token",
        ),
        (
            lambda d: d["train.json"][2].update(target_text=[[6, 11]]),
            "train.json: item 2: target_text[0]: expected an entity's tokens, not '<r_inv>' (11)",
        ),
        (
            lambda d: (d["vocab.json"].update({"<PRED>": 13}), d["train.json"][2].update(target_text=[[13]])),
            "train.json: item 2: target_text[0]: expected an entity's tokens, not '<PRED>' (13)",
        ),
        (
            lambda d: (d["vocab.json"].pop("<r_inv>"), d["vocab.json"].update({"<s>": 11, "<s_inv>": 13})),
            "vocab.json: relation '<r>' (10) has no inverse: expected a token '<r_inv>'",
        ),
        (
            lambda d: d["vocab.json"].update({"<w_0>": 1}),
            "vocab.json: token '<w_1>': id 1 belongs to '<w_0>' already",
        ),
    ],
)
def test_each_mistake_names_file_item_and_field(tmp_path, change, expected):
    data = contents()
    change(data)
    folder = write(tmp_path / "task", data)
    assert refusal(folder).startswith(f"{folder}/{expected}")


def test_a_held_out_fact_in_the_training_set(tmp_path):
    data = contents()
    data["train.json"].insert(0, {**data["valid.json"]["test"][0], "type": "train"})
    folder = write(tmp_path / "task", data)
    assert refusal(folder) == (
        f"{folder}/valid.json: test: item 0: expected a fact that is not trained on, but "
        f"'<w_6>' '<r_inv>' '<w_3> <w_4> <w_5>' is in the training set: {folder}/train.json: item 0"
    )


def test_the_reverse_of_an_atomic_fact_in_the_training_set(tmp_path):
    data = contents()
    data["valid.json"]["test"] = []
    data["train.json"].append(item([6], 11, [3, 4, 5], "atomic"))
    folder = write(tmp_path / "task", data)
    assert refusal(folder) == (
        f"{folder}/train.json: item 2: type: expected atomic facts without their reverse, but that of "
        "'<w_3> <w_4> <w_5>' '<r>' '<w_6>' is in the training set: item 3"
    )


def test_reading_writes_nothing(folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    read_folder(folder)
    (folder / "valid.json").write_text("{")
    before[folder / "valid.json"] = b"{"
    refusal(folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
