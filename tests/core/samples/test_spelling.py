"""Tokens as people read them."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models

from jepa_core.samples.spelling import SPACE, alphabet, key_to_marks, of_bytes, of_pieces, speller
from jepa_core.samples.token_names import TokenNames


def test_the_alphabet_is_that_of_the_tokenizers_library():
    """Its own decoder, a byte at a time, is what the table must agree with; bytes beyond ASCII are no text alone."""
    letters = alphabet()
    assert sorted(letters.values()) == list(range(256))
    decoder = decoders.ByteLevel()
    assert all(decoder.decode([letter]) == chr(byte) for letter, byte in letters.items() if byte < 128)


@pytest.mark.parametrize("text", [" which", "a b", "\n\n", "\t", "naïve", "損失", "😀", "x\r\n"])
def test_whole_characters_are_read_as_they_were_written(text):
    byte_to_letter = {byte: letter for letter, byte in alphabet().items()}
    token = "".join(byte_to_letter[byte] for byte in text.encode())
    shown = text.replace(" ", "·").replace("\n", "↵").replace("\t", "⇥").replace("\r", "␍")
    assert of_bytes(token) == shown
    assert SPACE not in of_bytes(token)


def test_a_part_of_a_character_shows_its_bytes():
    letters = {byte: letter for letter, byte in alphabet().items()}
    assert of_bytes("".join(letters[byte] for byte in "€".encode()[:2])) == r"\xe2\x82"
    assert of_pieces("<0xE2>") == r"\xe2"


def test_a_token_with_other_characters_is_no_bytes():
    assert of_bytes("<｜end▁of▁sentence｜>") == "<｜end▁of▁sentence｜>"


def test_each_vocabulary_is_read_by_its_own_signs():
    of_gpt2 = {letter: i for i, letter in enumerate(alphabet())} | {"Ġwhich": 256}
    of_llama2 = {"▁": 0, "▁which": 1, "<0x0A>": 2}
    words = {"Ġorġ": 0, "Ħal": 1, "Milky Way": 2, "<r_0>": 3}
    assert TokenNames(token_to_id=of_gpt2, pad_id=0).spelled(256) == "·which"
    pieces = TokenNames(token_to_id=of_llama2, pad_id=0)
    assert [pieces.spelled(i) for i in (0, 1, 2, 3)] == ["·", "·which", "↵", "<id 3>"]
    names = TokenNames(token_to_id=words, pad_id=3)
    assert [names.spelled(i) for i in words.values()] == list(words)


def test_the_letters_of_a_name_are_no_bytes():
    assert speller({"Ġ", "a", "b"})("Ġa") == "Ġa"


def test_a_trained_tokenizer_of_bytes_is_known():
    vocabulary = {letter: i for i, letter in enumerate(sorted(alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    assert speller(tokenizer.get_vocab().keys())("Ġa") == "·a"


def test_marks_are_explained_where_they_occur():
    assert key_to_marks(["·a", "↵"]) == "in tokens · is a space, ↵ is a new line"
    assert key_to_marks(["<r_0>"]) == key_to_marks([]) == ""
