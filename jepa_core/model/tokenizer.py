"""Hugging Face tokenizers: reading one from a folder or the Hub, and the files to keep of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jepa_core.errors import DataError
from jepa_core.model.hub import HubError, load_local_or_hub, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(name: str | Path) -> PreTrainedTokenizerBase:
    """Reads the tokenizer in a folder, or of an id of the Hugging Face Hub; code that comes with it is never run.

    Raises DataError where there is none.
    """
    from transformers import AutoTokenizer

    def load(local: bool) -> Any:
        return AutoTokenizer.from_pretrained(str(name), local_files_only=local, trust_remote_code=False)

    try:
        tokenizer = load_local_or_hub(str(name), load)
    except HubError as error:
        raise DataError(f"tokenizer {error}") from error
    except Exception as error:  # transformers raises many kinds for a folder without a tokenizer
        raise DataError(f"{name}: expected a Hugging Face tokenizer: {one_line(error)}") from error
    if not _spells(tokenizer):  # transformers makes an empty one of a folder with a model alone
        raise DataError(f"{name}: expected a Hugging Face tokenizer, there is none that knows any text")
    return tokenizer


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
