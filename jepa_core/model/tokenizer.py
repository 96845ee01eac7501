"""Hugging Face tokenizers: reading one from a folder or the Hub, and the files to keep of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jepa_core.errors import DataError, one_line, show
from jepa_core.model.from_folder import quietly
from jepa_core.model.hub import HubError, load_local_or_hub
from jepa_core.recipe.weight_files import Odd, read_object

#: Files that a tokenizer can be made of, one or the other.
_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
          "tekken.json", "tokenizer_config.json", "config.json")  # fmt: skip
#: Those that hold an object of JSON.
_OBJECTS = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json")
#: The name of the exception that failing Rust code raises; it is no Exception.
_PANIC = "PanicException"
#: Ids that a small vocabulary may leave out.
_UNUSED = 100_000


class NoTokenizer(DataError):
    """The error for a recipe that names something other than a tokenizer."""

    exit_status = 2


if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(name: str | Path) -> PreTrainedTokenizerBase:
    """Reads the tokenizer in a folder, or of an id of the Hugging Face Hub; code that comes with it is never run.

    Raises NoTokenizer where there is none.
    """
    from transformers import AutoTokenizer

    def load(local: bool) -> Any:
        with quietly():
            made = AutoTokenizer.from_pretrained(str(name), local_files_only=local, trust_remote_code=False)
            made([""])  # some of what is wrong with its settings comes out here
            return made

    try:
        _refuse_odd_files(Path(name))
        tokenizer = load_local_or_hub(str(name), load)
    except HubError as error:
        raise NoTokenizer(f"tokenizer {error}") from error
    except Odd as odd:
        raise NoTokenizer(f"{odd}; expected a Hugging Face tokenizer") from odd
    except BaseException as error:  # transformers raises many kinds for a folder without a tokenizer
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        raise NoTokenizer(f"{name}: expected a Hugging Face tokenizer: {_told(error)}") from error
    _refuse_odd_vocabulary(name, tokenizer)
    return tokenizer


def _refuse_odd_files(folder: Path) -> None:
    """Raises Odd for what transformers would tell in words that name no file."""
    if not os.path.lexists(folder):
        return  # an id
    if not folder.is_dir():
        link = "is a link that leads nowhere" if not folder.exists() else "is no folder"
        raise Odd(f"{folder}: {link}")
    if not any(os.path.lexists(folder / name) for name in _FILES):
        raise Odd(f"{folder}: has no tokenizer.json")
    for name in _OBJECTS:
        if os.path.lexists(folder / name) and (words := _far(_ids(read_object(folder / name)))):
            raise Odd(f"{folder / name}: {words}")


def _told(error: BaseException) -> str:
    words = one_line(error)
    if "custom code" in words or "trust_remote_code" in words:
        return "it needs code of its own, which is never run here"
    if "instantiate the backend tokenizer" in words:
        return "none can be made of the files in it; save it with its tokenizer.json"
    return words


def _refuse_odd_vocabulary(name: str | Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises NoTokenizer for one without words, which transformers makes of a folder with a model alone, and for ids
    that a model would have to have far too many rows for."""
    if not hasattr(tokenizer, "get_vocab"):
        raise NoTokenizer(f"{name}: expected a Hugging Face tokenizer, there is a {type(tokenizer).__name__}")
    if not _spells(tokenizer):
        raise NoTokenizer(f"{name}: expected a Hugging Face tokenizer, there is none that knows any text")
    if words := _far(tokenizer.get_vocab()):
        raise NoTokenizer(f"{name}: {words}")


def _ids(content: Mapping[str, Any]) -> dict[str, int]:
    """Token -> id in what a ``tokenizer.json`` holds, looked at before it is loaded: copying a tokenizer, as some
    versions of transformers do, takes memory for each id up to the last."""
    model = content.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    return {token: id for token, id in vocabulary.items() if type(id) is int} if isinstance(vocabulary, dict) else {}


def _far(vocabulary: Mapping[str, int]) -> str:
    """Tells, in words, of an id that a model would have to have far too many rows for; empty where there is none."""
    last = max(vocabulary, key=lambda token: vocabulary[token], default="")
    if vocabulary.get(last, 0) < 2 * len(vocabulary) + _UNUSED:
        return ""
    return f"token {show(last)} has the id {vocabulary[last]:,}, and the tokenizer has {len(vocabulary):,} tokens"


def tokenizer_files(tokenizer: PreTrainedTokenizerBase) -> dict[str, bytes]:
    """File name -> content of the files that ``AutoTokenizer`` reads; names in folders within have slashes."""
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def tokenizer_from(files: Mapping[str, str | bytes]) -> PreTrainedTokenizerBase:
    """Makes the tokenizer again from its :func:`tokenizer_files`."""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_tokenizer(folder)


def _spells(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tells whether there are tokens beside those that were added to an empty vocabulary."""
    return bool(tokenizer.get_vocab().keys() - {token.content for token in tokenizer.added_tokens_decoder.values()})
