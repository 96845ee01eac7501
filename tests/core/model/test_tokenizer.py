from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, GPT2Config, PreTrainedTokenizerFast

from jepa_core.errors import DataError
from jepa_core.model.tokenizer import load_tokenizer, tokenizer_files, tokenizer_from


def words() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({"red": 0, "fox": 1}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_several_chat_templates_are_kept():
    """Hugging Face saves all but the default one in a folder within."""
    tokenizer = words()
    tokenizer.chat_template = {"default": "{{ messages }}", "rag": "{{ documents }}"}
    files = tokenizer_files(tokenizer)
    assert "additional_chat_templates/rag.jinja" in files
    again = tokenizer_from(files)
    assert again.chat_template == tokenizer.chat_template
    assert again("fox red")["input_ids"] == [1, 0]


def test_binary_files_are_kept():
    class SentencePiece:
        def save_pretrained(self, folder):
            (Path(folder) / "spiece.model").write_bytes(b"\x0a\x0c\xff\xfe")

    assert tokenizer_files(SentencePiece()) == {"spiece.model": b"\x0a\x0c\xff\xfe"}


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(DataError) as error:
        load_tokenizer(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: expected a Hugging Face tokenizer: ")
    assert "\n" not in str(error.value)


def test_a_folder_with_a_model_alone(tmp_path):
    """Of this transformers makes a tokenizer that knows no text at all."""
    GPT2Config(n_layer=1).save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)("red fox")["input_ids"] == []
    with pytest.raises(DataError, match=r"expected a Hugging Face tokenizer, there is none that knows any text$"):
        load_tokenizer(tmp_path)


def test_code_in_the_folder_is_never_run(tmp_path):
    words().save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": [null, "mine.Mine"]}}'
    )
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(DataError, match="expected a Hugging Face tokenizer"):
        load_tokenizer(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_an_id_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"^tokenizer no-such-org/none: no such folder, not downloaded yet"):
        load_tokenizer("no-such-org/none")
