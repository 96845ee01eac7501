from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.vocab_file import MAX_UNUSED, read_vocab

GOOD = '{"a": 0, "<mask>": 1, "<pad>": 2}'


def refusal(tmp_path, text: str) -> str:
    path = tmp_path / "vocab.json"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_vocab(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def test_tokens_and_ids(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text(GOOD)
    assert read_vocab(path) == {"a": 0, "<mask>": 1, "<pad>": 2}


@pytest.mark.parametrize("token_id", ["-1", "true", "1.0", '"1"', "null", "[1]", "NaN"])
def test_ids_are_whole_numbers_from_zero_on(tmp_path, token_id):
    message = refusal(tmp_path, GOOD.replace('"a": 0', f'"a": {token_id}'))
    assert "token 'a': expected a whole number from 0 on as id" in message


def test_an_id_belongs_to_one_token(tmp_path):
    assert "token '<pad>': id 1 belongs to '<mask>' already" in refusal(tmp_path, GOOD.replace("2", "1"))


def test_a_token_has_one_id(tmp_path):
    message = refusal(tmp_path, GOOD.replace('"a": 0', '"a": 0, "a": 7'))
    assert "token 'a': expected one id, it has 0 and 7" in message


@pytest.mark.parametrize("name", ["<mask>", "<pad>"])
def test_mask_and_pad_are_needed(tmp_path, name):
    assert f"expected a token '{name}', there is none" in refusal(tmp_path, GOOD.replace(name, "other"))


@pytest.mark.parametrize("text", ["[]", "3", '"a"', "[[1, 2]]"])
def test_another_shape(tmp_path, text):
    assert "expected an object of token -> id" in refusal(tmp_path, text)


def test_a_gap_that_blows_up_the_embedding(tmp_path):
    message = refusal(tmp_path, GOOD.replace("2", "1000000000"))
    assert "token '<pad>': id 1000000000 makes an embedding table of 1000000001 rows, 999999998 of them" in message


def test_the_largest_gap_allowed(tmp_path):
    # Ids 0, 1 and n: n - 2 unused ones.
    path = tmp_path / "vocab.json"
    path.write_text(GOOD.replace("2", str(MAX_UNUSED + 2)))
    assert read_vocab(path)["<pad>"] == MAX_UNUSED + 2
    refusal(tmp_path, GOOD.replace("2", str(MAX_UNUSED + 3)))
