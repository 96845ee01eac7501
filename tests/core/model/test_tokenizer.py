from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from jepa_core.errors import DataError
from jepa_core.model.tokenizer import NoTokenizer, load_tokenizer, tokenizer_files, tokenizer_from


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
    assert str(error.value) == f"{tmp_path}: has no tokenizer.json; expected a Hugging Face tokenizer"
    assert error.value.exit_status == 2


def edited(folder: Path, file: str, change: Callable[[dict], object]) -> None:
    content = json.loads((folder / file).read_text())
    change(content)
    (folder / file).write_text(json.dumps(content))


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "added_tokens.json", "config.json"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"{", "is no JSON: "),
        (b"[1]", "expected a JSON object"),
        (b"\xff", "is no UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, file, content, told):
    words().save_pretrained(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(NoTokenizer) as error:
        load_tokenizer(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / file}: {told}")


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("tokenizer.json", lambda c: c["model"].update(type="Foo"), "data did not match any variant"),
        (
            "tokenizer.json",
            lambda c: c["model"]["vocab"].update(red=4_000_000_000),
            'tokenizer.json: token "red" has the id 4,000,000,000, and the tokenizer has ',
        ),
        ("tokenizer.json", lambda c: c["model"]["vocab"].update(red=-1), "invalid value: integer `-1`"),
        ("tokenizer_config.json", lambda c: c.update(model_max_length="x"), "expected a Hugging Face tokenizer: "),
        ("tokenizer_config.json", lambda c: c.update(eos_token=5), "Special token eos_token has to be either str"),
        ("tokenizer_config.json", lambda c: c.update(tokenizer_class=5), "expected a Hugging Face tokenizer: "),
    ],
)
def test_what_can_not_be_read_is_one_line(tmp_path, file, change, told):
    words().save_pretrained(tmp_path)
    edited(tmp_path, file, change)
    with pytest.raises(NoTokenizer) as error:
        load_tokenizer(tmp_path)
    assert str(error.value).startswith(str(tmp_path))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_is_no_folder(tmp_path, kind):
    path = tmp_path / "t"
    make = {"file": path.touch, "link": lambda: path.symlink_to("x"), "pipe": lambda: os.mkfifo(path)}
    make[kind]()
    wanted = "is a link that leads nowhere" if kind == "link" else "is no folder"
    with pytest.raises(NoTokenizer, match=f"t: {wanted}; expected a Hugging Face tokenizer$"):
        load_tokenizer(path)


def test_code_that_fails_in_rust_is_told_and_a_signal_is_not_kept(tmp_path, monkeypatch):
    words().save_pretrained(tmp_path)

    def fail(error: type[BaseException]) -> None:
        def raising(*_: object, **__: object) -> None:
            raise error("index out of bounds")

        monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", raising)

    fail(type("PanicException", (BaseException,), {}))
    with pytest.raises(NoTokenizer, match="expected a Hugging Face tokenizer: index out of bounds"):
        load_tokenizer(tmp_path)
    fail(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        load_tokenizer(tmp_path)


def test_a_class_that_is_no_tokenizers(tmp_path):
    words().save_pretrained(tmp_path)
    GPT2LMHeadModel(GPT2Config(vocab_size=9, n_layer=1, n_embd=4, n_head=1)).save_pretrained(tmp_path)
    edited(tmp_path, "tokenizer_config.json", lambda c: c.update(tokenizer_class="GPT2LMHeadModel"))
    with pytest.raises(NoTokenizer, match="expected a Hugging Face tokenizer"):
        load_tokenizer(tmp_path)


def test_a_folder_with_a_model_alone(tmp_path):
    """transformers makes a tokenizer of such a folder that knows no text at all."""
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


def test_a_far_id_in_files_of_an_older_form_is_told(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0, "b": 300000}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(NoTokenizer, match=r'token "?b"? has the id 300,000, and the tokenizer has 3 tokens$'):
        load_tokenizer(tmp_path)
