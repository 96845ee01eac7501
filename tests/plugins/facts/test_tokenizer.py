from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from jepa_core.errors import DataError
from jepa_core.model.tokenizer import load_tokenizer, tokenizer_files
from jepa_plugins.facts import tokenizer as tokenizer_module
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.tokenizer import add_specials, word_tokenizer
from jepa_plugins.facts.tokenizer import encode_names as encode

NAMES = {"red fox": 1, "fox": 2, "Asian red": 4}
RELATIONS = Relations((("has part", "part of"),), ("beside",))


def encode_names(tokenizer, lines: dict[str, int], where: str) -> dict[str, tuple[int, ...]]:
    """lines: name -> the line that it is in."""
    spelling = encode(tokenizer, list(lines), list(lines.values()).__getitem__, where)
    return {name: spelling[number] for number, name in enumerate(lines)}


@pytest.fixture(scope="module")
def bpe_folder(tmp_path_factory):
    """A byte-level BPE tokenizer as Hugging Face saves it, blind to upper and lower case."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=280, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["red fox red fox asian"] * 5, trainer)
    folder = tmp_path_factory.mktemp("bpe")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    return folder


def test_words_in_order_then_mask_relations_pad_and_predictors():
    vocabulary = add_specials(word_tokenizer(NAMES), RELATIONS, ["<PRED>", "<PRED_2>"], "r.yaml")
    assert list(vocabulary.token_to_id.items()) == [
        ("Asian", 0),
        ("fox", 1),
        ("red", 2),
        ("<mask>", 3),
        ("<has part>", 4),
        ("<part of>", 5),
        ("<beside>", 6),
        ("<pad>", 7),
        ("<PRED>", 8),
        ("<PRED_2>", 9),
    ]
    assert (vocabulary.mask_id, vocabulary.pad_id) == (3, 7)
    assert (vocabulary.relation_ids, vocabulary.inverse_ids) == ((4, 5, 6), (5, 4, 6))


def test_names_are_their_words():
    tokenizer = word_tokenizer(NAMES)
    add_specials(tokenizer, RELATIONS, ["<PRED>"], "r.yaml")
    assert encode_names(tokenizer, NAMES, "f") == {"red fox": (2, 1), "fox": (1,), "Asian red": (0, 2)}


def test_a_hugging_face_tokenizer_keeps_its_ids_and_gets_the_specials_behind(bpe_folder):
    tokenizer = load_tokenizer(bpe_folder)
    before = tokenizer.get_vocab()
    vocabulary = add_specials(tokenizer, RELATIONS, ["<PRED>"], "r.yaml")
    assert before.items() <= vocabulary.token_to_id.items()
    first = len(before)
    assert (vocabulary.mask_id, vocabulary.pad_id) == (first, first + 4)
    assert vocabulary.relation_ids == (first + 1, first + 2, first + 3)
    assert vocabulary.inverse_ids == (first + 2, first + 1, first + 3)
    assert vocabulary.token_to_id["<PRED>"] == first + 5
    encoded = encode_names(tokenizer, NAMES, "f")
    assert {name: tokenizer.decode(ids) for name, ids in encoded.items()} == {
        "red fox": "red fox",
        "fox": "fox",
        "Asian red": "asian red",
    }


def test_the_saved_files_spell_facts_as_they_were_trained_on(tmp_path):
    tokenizer = word_tokenizer(NAMES)
    add_specials(tokenizer, RELATIONS, ["<PRED>"], "r.yaml")
    for name, content in tokenizer_files(tokenizer).items():
        (tmp_path / name).write_bytes(content)
    again = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert again("red fox <has part> <mask> fox <PRED>")["input_ids"] == [2, 1, 4, 3, 1, 8]
    assert (again.mask_token, again.pad_token) == ("<mask>", "<pad>")


@pytest.mark.parametrize(
    ("relations", "predictors"),
    [
        (Relations(symmetric=("mask",)), []),
        (Relations((("up", "pad"),)), []),
        (Relations(symmetric=("PRED",)), ["<PRED>"]),
        (Relations(symmetric=("end",)), []),
    ],
)
def test_a_relation_can_not_take_another_tokens_name(bpe_folder, relations, predictors):
    with pytest.raises(DataError, match=r"^r.yaml: relation '.*': expected another name, '<.*>' is a token already"):
        add_specials(load_tokenizer(bpe_folder), relations, predictors, "r.yaml")


@pytest.mark.parametrize("name", ["a <mask> b", "<beside>", "x<PRED>"])
def test_a_name_with_a_special_token_in_it_is_refused(bpe_folder, name):
    for tokenizer in (word_tokenizer(NAMES), load_tokenizer(bpe_folder)):
        add_specials(tokenizer, RELATIONS, ["<PRED>"], "r.yaml")
        with pytest.raises(DataError, match=r"^f.jsonl: line 9: '.*': expected ordinary .* the special <"):
            encode_names(tokenizer, {"red": 1, name: 9}, "f.jsonl")


def test_a_word_that_is_a_relations_token_is_refused():
    with pytest.raises(DataError, match="'beside': expected another name, '<beside>' is a token already"):
        add_specials(word_tokenizer([*NAMES, "a <beside>"]), RELATIONS, [], "r.yaml")


def test_a_name_that_the_tokenizer_does_not_know_is_refused():
    words = Tokenizer(models.WordLevel({"fox": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]")
    with pytest.raises(DataError, match=r"line 3: 'wolf': expected ordinary tokens, there is a part"):
        encode_names(tokenizer, {"fox": 1, "wolf": 3}, "f.jsonl")


def test_a_name_that_becomes_nothing_is_refused():
    words = Tokenizer(models.WordLevel({"fox": 0}))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.normalizer = normalizers.Replace("-", " ")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words)
    with pytest.raises(DataError, match=r"line 3: '-': expected ordinary tokens, there is none"):
        encode_names(tokenizer, {"fox": 1, "-": 3}, "f.jsonl")


def test_two_names_of_the_same_tokens_are_refused(bpe_folder):
    """An uncased tokenizer would make one entity of them, in silence."""
    tokenizer = load_tokenizer(bpe_folder)
    with pytest.raises(DataError) as error:
        encode_names(tokenizer, {"Fox": 3, "red": 4, "fox": 7}, "f.jsonl")
    assert str(error.value) == (
        "f.jsonl: line 7: 'fox': expected tokens of its own, the tokenizer gives it those of 'Fox' (line 3)"
    )


def test_names_are_encoded_part_by_part(monkeypatch):
    """Parts give the same as all names at once, and mistakes are told by their own line."""
    monkeypatch.setattr(tokenizer_module, "_PART", 2)
    words = word_tokenizer(NAMES)
    add_specials(words, RELATIONS, ["<PRED>"], "r.yaml")
    assert encode_names(words, NAMES, "f") == {"red fox": (2, 1), "fox": (1,), "Asian red": (0, 2)}
    unknown = Tokenizer(models.WordLevel({"fox": 0, "red": 1, "[UNK]": 2}, unk_token="[UNK]"))
    unknown.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    with pytest.raises(DataError, match=r"line 8: 'red wolf fox': expected ordinary tokens, there is a part"):
        lines = {"fox": 1, "red fox": 3, "red": 7, "red wolf fox": 8}
        encode_names(PreTrainedTokenizerFast(tokenizer_object=unknown, unk_token="[UNK]"), lines, "f")
