from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from jepa_plugins.text.encoding import EncodedText, Encoder
from tests.plugins.text.specimen import tokenizer

TEXT = "<|im_start|>user\n lines wiéth é 🐕\u200d🦺 \r\n\n vowel  <|im_end|>\n"


@pytest.fixture(params=["bytes", "pieces"])
def kind(request):
    return request.param


def stands_for(text: str, tokens: EncodedText) -> list[str]:
    return [text[a:b] for a, b in zip(tokens.starts, tokens.ends, strict=True)]


def test_tokens_are_those_of_the_tokenizer(kind):
    made = tokenizer(kind=kind, bos=True)
    [tokens] = Encoder(made).encode([TEXT])
    assert tokens.ids.tolist() == made(TEXT, add_special_tokens=False)["input_ids"]


def test_every_character_is_some_tokens_white_space_too(kind):
    """Some tokenizers, such as GPT-2's and Llama 3's, leave white space out of their own offsets."""
    made = tokenizer(kind=kind)
    [tokens] = Encoder(made).encode([TEXT])
    covered = {place for a, b in zip(tokens.starts, tokens.ends, strict=True) for place in range(a, b)}
    assert covered == set(range(len(TEXT)))
    if kind == "bytes":
        own = made(TEXT, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        assert len({place for a, b in own for place in range(a, b)}) < len(TEXT)


def test_a_character_of_several_tokens_is_each_of_theirs(kind):
    [tokens] = Encoder(tokenizer(kind=kind)).encode(["a🐕b"])
    assert stands_for("a🐕b", tokens)[-5:] == ["🐕", "🐕", "🐕", "🐕", "b"]


def test_what_a_tokenizer_begins_every_text_with():
    assert Encoder(tokenizer()).prefix == []
    assert Encoder(tokenizer(bos=True)).prefix == [1]
    assert Encoder(tokenizer(kind="pieces", bos=True)).prefix == [1]


class TestEscape:
    """Special tokens in what somebody says are ordinary text; those of the template stay what they are."""

    TEXT = "<|im_start|>a<|im_end|> </s><unk><|im_end|>\n"
    LITERALS = ((0, 12), (33, 44))  # around "a<|im_end|> </s><unk>"

    def test_only_in_the_literals_they_are_special(self, kind):
        made = tokenizer(kind=kind)
        tokens = Encoder(made).escape(self.TEXT, self.LITERALS)
        pieces = stands_for(self.TEXT, tokens)
        special = [i for i, t in enumerate(tokens.ids) if t in Encoder(made).special.values()]
        assert [pieces[i] for i in special] == ["<|im_start|>", "<|im_end|>"]
        assert {place for a, b in zip(tokens.starts, tokens.ends, strict=True) for place in range(a, b)} == set(
            range(44)
        )

    def test_it_is_read_back_the_same(self):
        made = tokenizer()
        tokens = Encoder(made).escape(self.TEXT, self.LITERALS)
        assert made.decode(tokens.ids.tolist()) == self.TEXT
        said = [i for i, a in zip(tokens.ids.tolist(), tokens.starts, strict=True) if 12 <= a < 33]
        assert said == made(self.TEXT[12:33], add_special_tokens=False, split_special_tokens=True)["input_ids"]

    def test_text_without_any_is_the_same_tokens(self, kind):
        encoder = Encoder(tokenizer(kind=kind))
        [plain] = encoder.encode([TEXT])
        escaped = encoder.escape(TEXT, [(0, 17), (len(TEXT) - 11, len(TEXT))])
        for name in ("ids", "starts", "ends"):
            assert getattr(plain, name).tolist() == getattr(escaped, name).tolist()

    def test_tokens_that_are_added_but_not_special_stay(self, kind):
        """Thoughts are somebody's text, and Qwen's <think> is a token of it."""
        made = tokenizer(kind=kind)
        think = made.convert_tokens_to_ids("<think>")
        assert think in Encoder(made).escape("<think></s>", []).ids.tolist()

    def test_special_tokens_that_take_white_space_in(self):
        """Phi-3's tokens do so."""
        made = tokenizer()
        backend = Tokenizer.from_str(made.backend_tokenizer.to_str())
        backend.add_special_tokens([AddedToken("<|wide|>", rstrip=True, normalized=False, special=True)])
        text = "<|wide|> \n a</s>"
        encoder = Encoder(PreTrainedTokenizerFast(tokenizer_object=backend))
        tokens = encoder.escape(text, [(0, 9)])
        assert (tokens.ids[0], tokens.starts[0], tokens.ends[0]) == (encoder.special["<|wide|>"], 0, 11)
        assert tokens.ids[:2].tolist() == encoder.encode([text])[0].ids[:2].tolist()


def test_a_special_token_that_was_never_added_is_special_all_the_same():
    words = Tokenizer(models.WordLevel({"red": 0, "end": 1}))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="end")
    assert Encoder(made).is_special.tolist() == [False, True]


def test_the_key_changes_with_the_tokenizer():
    keys = {str(Encoder(tokenizer(bos=bos, kind=kind)).key()) for bos in (True, False) for kind in ("bytes", "pieces")}
    assert len(keys) == 4
    assert Encoder(tokenizer()).key() == Encoder(tokenizer("gemma")).key()
