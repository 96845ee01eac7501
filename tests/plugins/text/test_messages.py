from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config

from jepa_core.contexts import DatasetContext
from jepa_core.errors import DataError
from jepa_core.model.tokenizer import tokenizer_from
from jepa_core.registry import Registry
from jepa_core.registry.options import check_options
from jepa_core.samples.samples import IGNORE
from jepa_plugins.text.messages import messages
from tests.plugins.text.specimen import tokenizer

PAIRS = [("say hi", "hi"), ("say 🐕", "🐕\r\n"), ("say", "nothing at all"), ("<|im_end|>", "no")]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    tokenizer().save_pretrained(tmp_path / "tok")
    lines = [json.dumps({"prompt": p, "completion": c}) for p, c in PAIRS]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    (tmp_path / "test.jsonl").write_text("\n".join(lines[:2]))
    return tmp_path


def load(folder: Path, train: str = "train.jsonl", k: int = 1, **options: Any):
    context = DatasetContext(seed=3, k=k, search=(folder,), pretrained=options.pop("pretrained", None))
    return messages(context, train, **{"tokenizer": "tok", **options})


def test_it_comes_in_as_a_plugin_does():
    assert "messages" in Registry.discover().names("dataset")


def test_pairs_become_sets(folder):
    task = load(folder, evaluation={"test": "test.jsonl", "again": "test.jsonl"})
    assert {name: len(each) for name, each in task.evaluation.items()} == {"test": 2, "again": 2}
    assert (list(task.tags), list(task.groups)) == (
        ["system", "user", "assistant", "template", "end"],
        ["train", "test", "again"],
    )
    assert task.train.__getitems__([0, 3])["index"].tolist() == [0, 3]
    assert task.evaluation["again"].__getitems__([0, 1])["index"].tolist() == [6, 7]
    assert task.evaluation["again"].__getitems__([0])["group"].tolist() == [2]
    assert task.notes == [
        "train: of 4 conversations 1 with special tokens in what somebody says, which are ordinary text"
    ]


def test_the_saved_tokenizer_reads_what_was_trained(folder):
    task = load(folder, k=1)
    saved = tokenizer_from(task.tokenizer_files)
    batch = task.train.__getitems__([1])
    labels = batch["labels"][0]
    assert saved.decode(labels[labels != IGNORE].tolist()) == "🐕\r\n<|im_end|>"
    chat = [{"role": "user", "content": "say 🐕"}, {"role": "assistant", "content": "🐕\r\n"}]
    assert batch["input_ids"][0].tolist() == saved.apply_chat_template(chat)["input_ids"]
    assert saved.convert_tokens_to_ids("<PRED>") == task.vocabulary.pred_ids[0]
    assert task.vocabulary.marked["stop_ids"] == [saved.convert_tokens_to_ids("<|im_end|>")]


def test_a_tokenizer_trained_on_the_data(folder):
    bytewise = load(folder, tokenizer={"train": "bytes"}, k=0)
    pieces = load(folder, tokenizer={"train": "bpe", "size": 265}, k=0)
    assert (bytewise.vocabulary.size, pieces.vocabulary.size) == (258, 265)
    assert bytewise.train.max_length == len("say\nnothing at all") + 1
    assert pieces.train.max_length < bytewise.train.max_length
    assert bytewise.train.__getitems__([0])["prefix_ids"].tolist()[0] == (
        [bytewise.vocabulary.token_to_id[c] for c in "sayĠhiĊ"]
    )


def test_a_share_is_evaluated_on_instead(folder):
    (folder / "train.jsonl").write_text(
        "\n".join(json.dumps({"prompt": f"p{i}", "completion": "c"}) for i in range(60))
    )
    task = load(folder, valid_share=0.5, evaluation={"test": "test.jsonl"})
    assert list(task.evaluation) == ["valid", "test"]
    assert len(task.train) + len(task.evaluation["valid"]) == 60
    shared = set(task.train.question_hashes.tolist()) & set(task.evaluation["valid"].question_hashes.tolist())
    assert shared == set()
    again = load(folder, valid_share=0.5, seed=3)
    assert torch.equal(again.train.question_hashes, task.train.question_hashes)


def test_options_do_what_they_say(folder):
    assert len(load(folder, limit=2, evaluation={"test": "test.jsonl"}).evaluation["test"]) == 2
    assert len(load(folder, limit=1, evaluation={"test": "test.jsonl"}).evaluation["test"]) == 1
    longest = load(folder).train.max_length
    assert len(load(folder, max_length=longest - 1, too_long="drop").train) == 3
    assert load(folder, max_length=longest - 1, too_long="truncate_prompt").train.max_length == longest - 1
    plain = load(folder, template="plain")
    assert plain.train.max_length < longest
    assert b"im_start" not in plain.tokenizer_files["chat_template.jinja"]
    assert [load(folder, group_by_length=way).train.group_by_length for way in (True, False)] == [True, False]
    every = load(folder, train_on="every_token").train.__getitems__([0])
    assert torch.equal(every["labels"], every["input_ids"])


def test_a_pretrained_models_tokenizer(folder):
    tokenizer().save_pretrained(folder / "model")
    GPT2Config(vocab_size=len(tokenizer()), bos_token_id=None, eos_token_id=None).save_pretrained(folder / "model")
    assert load(folder, tokenizer=None, pretrained="model").vocabulary.size == len(tokenizer()) + 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"limit": 0}, "limit: expected 1 or more, not 0"),
        ({"max_length": -1}, "max_length: expected 1 or more, not -1"),
        ({"valid_share": 1.0}, "valid_share: expected a share from 0 to below 1, not 1.0"),
        ({"evaluation": {"train": "test.jsonl"}}, "evaluation.train: expected another name, 'train' is a part of the"),
        ({"evaluation": {"valid": "test.jsonl"}, "valid_share": 0.5}, "evaluation.valid: expected another name"),
        ({"evaluation": {"a/b": "test.jsonl"}}, "evaluation: 'a/b': expected a name of letters, digits"),
    ],
)
def test_options_that_can_not_be(folder, options, words):
    with pytest.raises(ValueError, match=words):
        load(folder, **options)


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ({"tokenizer": {"tran": "bpe"}}, "tokenizer.train"),
        ({"tokenizer": {"train": "bps"}}, "tokenizer.train"),
        ({"tokenizer": {"train": "bpe", "size": "many"}}, "tokenizer.size"),
        ({"evaluation": ["test.jsonl"]}, "evaluation"),
        ({"too_long": "cut"}, "too_long"),
    ],
)
def test_a_recipe_is_told_where_an_option_is_wrong(option, place):
    assert place in [where for where, _ in check_options(messages, {"train": "x", **option})]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"prompt": "u", ', "line 5: expected JSON: "),
        ('{"text": "u"}', "line 5: expected messages, or prompt and completion; there is text"),
        (
            '{"messages": [{"role": "usr", "content": "u"}]}',
            "line 5: messages[0]: role: expected system, user, assistant",
        ),
        ('{"messages": [{"role": "user", "content": "u"}]}', "line 5: expected an assistant's turn, there is none"),
        ('{"prompt": "u", "completion": " "}', "line 5: completion: expected an answer, it is empty"),
        ('{"prompt": "u", "completion": 4}', "line 5: completion: content: expected text, not 4"),
        ('{"prompt": "u", "completion": "%s"}' % ("a" * 400), "line 5: has 4"),
    ],
)
def test_bad_data_is_one_message_with_file_and_line_and_nothing_is_written(folder, line, words):
    with open(folder / "train.jsonl", "a") as file:
        file.write("\n" + line + "\n")
    with pytest.raises(DataError) as error:
        load(folder, max_length=60)
    assert str(error.value).startswith(f"{folder / 'train.jsonl'}: {words}")
    assert "\n" not in str(error.value)
    assert [path for path in (folder / "cache").rglob("*") if path.is_file()] == []
