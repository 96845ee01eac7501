from __future__ import annotations

import pytest

from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.trained_tokenizer import check_vocabulary_size, from_state, train
from tests.plugins.text.specimen import TEXT

TALKS = [Conversation(("user", "assistant"), (text, text[::-1])) for text in TEXT * 3]
ANY = "what it never saw: é 🐕 \x00 \r\n"


@pytest.mark.parametrize(("wanted", "size"), [({"train": "bytes"}, 258), ({"train": "bpe", "size": 300}, 300)])
def test_it_knows_every_text(wanted, size):
    tokenizer = from_state(train(TALKS, wanted))
    assert len(tokenizer) == size
    assert tokenizer.decode(tokenizer(ANY)["input_ids"]) == ANY
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<|pad|>", "<|end|>")


def test_bytes_are_bytes_and_pieces_are_shorter():
    single, merged = (from_state(train(TALKS, w)) for w in ({"train": "bytes"}, {"train": "bpe", "size": 400}))
    assert len(single(ANY)["input_ids"]) == len(ANY.encode())
    assert len(merged(TEXT[1])["input_ids"]) < len(TEXT[1]) / 2


def test_turns_stand_plainly_in_it():
    talk = Conversation(("system", "user", "assistant"), ("s", "u", "a")).messages()
    assert from_state(train(TALKS, {"train": "bytes"})).apply_chat_template(talk, tokenize=False) == "s\nu\na<|end|>"


def test_it_is_the_same_every_time():
    assert train(TALKS, {"train": "bpe", "size": 350}) == train(iter(TALKS), {"train": "bpe", "size": 350})


def test_where_there_is_little_text_it_has_fewer_tokens():
    assert 258 < len(from_state(train(TALKS[:1], {"train": "bpe", "size": 5000}))) < 1000


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"train": "bytes", "size": 300}, "tokenizer.size: 'bytes' has 258 tokens: leave out"),
        ({"train": "bpe"}, "tokenizer.size: expected more than 258, not None"),
        ({"train": "bpe", "size": 258}, "tokenizer.size: expected more than 258, not 258"),
    ],
)
def test_sizes_that_can_not_be(wanted, words):
    with pytest.raises(ValueError, match=words):
        check_vocabulary_size(wanted)
