"""Tokenizers that nobody has to know a run for."""

from __future__ import annotations

import json

import pytest

from jepa_core.model.plain_tokenizer import plain_tokenizer, predictor_ids
from jepa_core.model.tokenizer import tokenizer_files, tokenizer_from
from jepa_core.samples.token_names import TokenNames
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.tokenizer import add_specials, word_tokenizer

NAMES = TokenNames(token_to_id={"anna": 0, "<pad>": 1, "bo": 2, "<PRED>": 3, "<PRED_2>": 4}, pad_id=1, pred_ids=(3, 4))


@pytest.mark.parametrize(
    ("tokens", "marked", "expected"),
    [
        (["a", "<PRED>", "<PRED_2>"], {}, [1, 2]),
        (["a", "<PRED>", "b"], {}, []),
        (["a", "<PREDICATE>"], {}, []),
        (["a", "<PRED>", "<PRED_2>"], {"base_tokens": 2}, [2]),
        (["a", "b"], {"base_tokens": 2}, []),
    ],
)
def test_predictor_tokens_stand_at_the_end_and_are_not_the_tokenizers_own(tokens, marked, expected):
    names = TokenNames(token_to_id={name: i for i, name in enumerate(tokens)}, pad_id=0, marked=marked)
    assert list(predictor_ids(names)) == expected


def test_names_alone_make_a_tokenizer_of_words():
    tokenizer = tokenizer_from(plain_tokenizer({}, NAMES, range(3, 5)))
    assert tokenizer("bo  anna clara <PRED>")["input_ids"] == [2, 0, 1, 1]
    assert (tokenizer.pad_token_id, len(tokenizer), tokenizer.decode([2, 0])) == (1, 3, "bo anna")
    assert tokenizer_from(plain_tokenizer({}, NAMES, range(5, 5)))("<PRED>")["input_ids"] == [3]


def test_a_tokenizer_of_the_words_of_facts_knows_what_to_do_with_others():
    made = word_tokenizer(["anna maria", "bo"])
    relations = Relations(symmetric=("knows",))
    names = add_specials(made, relations, ["<PRED>"], "here")
    with pytest.raises(Exception, match="UNK"):
        made("clara")
    plain = tokenizer_from(plain_tokenizer(tokenizer_files(made), names, predictor_ids(names)))
    ids = plain("anna <knows> clara <mask> <PRED>")["input_ids"]
    assert ids == [names.token_to_id[t] for t in ("anna", "<knows>", "<pad>", "<mask>", "<pad>")]


def test_other_tokenizers_stay_as_they_are():
    said = {"model": {"type": "WordLevel", "vocab": {"<pad>": 0, "[UNK]": 1}, "unk_token": "[UNK]"}, "added_tokens": []}
    files = {"tokenizer.json": json.dumps(said).encode(), "more.txt": b"x"}
    found = plain_tokenizer(files, NAMES, range(5, 5))
    assert json.loads(found["tokenizer.json"])["model"] == said["model"]
    assert found["more.txt"] == b"x"
