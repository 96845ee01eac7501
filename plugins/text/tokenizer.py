"""The tokenizer of a text task: its choice, its fit to the model, its chat template, and its tokens' names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core import DataError, DatasetContext, TokenNames
from jepa_core.errors import one_line
from jepa_core.model.hub import HubError, find_or_id, load_local_or_hub
from jepa_core.model.tokenizer import load_tokenizer
from jepa_core.samples.token_names import pred_names
from jepa_plugins.text.cache import cached, key_of
from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.template import PLAIN
from jepa_plugins.text.trained_tokenizer import TrainTokenizer, check_vocabulary_size, from_state, train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast


def chosen_tokenizer(
    context: DatasetContext, wanted: str | TrainTokenizer | None, train: SourcePart
) -> tuple[PreTrainedTokenizerBase, str]:
    """The tokenizer that a recipe asks for, and its name in messages.

    train: the conversations to train one on. Raises DataError where there is no such tokenizer, or not the model's.
    """
    pretrained = None if context.pretrained is None else _found(context.pretrained, context)
    if isinstance(wanted, dict):
        if pretrained is not None:
            raise ValueError("tokenizer: a pretrained model has its own: leave out")
        return _trained(wanted, train), "the tokenizer trained on the data"
    if wanted is None and pretrained is None:
        raise ValueError("tokenizer: a model made new has none: expected a folder, an id, or {train: bpe, size: 1000}")
    name = pretrained if wanted is None else _found(wanted, context)
    tokenizer = fast_tokenizer(str(name))
    if pretrained is not None:
        check_fits_model(tokenizer, str(name), pretrained)
    return tokenizer, str(name)


def fast_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Loads the tokenizer of a folder or an id. Raises DataError for one that can't tell its tokens' characters."""
    tokenizer = load_tokenizer(name)
    if not getattr(tokenizer, "is_fast", False):
        raise DataError(f"{name}: expected a fast tokenizer, one of the tokenizers library, with a tokenizer.json")
    return tokenizer


def template_of(
    tokenizer: PreTrainedTokenizerBase, name: str, wanted: str | None, find: Callable[[str], Path]
) -> tuple[str, str]:
    """A chat template's text, and the beginning of messages about it.

    name: the tokenizer's; wanted: ``plain``, a file, or null for the tokenizer's own. Raises DataError where there is
    none.
    """
    if wanted == "plain":
        if tokenizer.eos_token is None:
            raise DataError(f"{name}: the tokenizer has no end of text, with which template 'plain' ends an answer")
        return PLAIN, "template 'plain'"
    if wanted is not None:
        path = find(wanted)
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: expected a chat template: {one_line(error)}") from error
    own = tokenizer.chat_template
    if isinstance(own, dict):
        own = own.get("default")
    if not own:
        raise DataError(f"{name}: the tokenizer has no chat template: set template to 'plain', or to a template's file")
    return own, f"{name}: the chat template"


def check_fits_model(tokenizer: PreTrainedTokenizerBase, name: str, pretrained: str) -> None:
    """Raises DataError where a pretrained model was trained with other tokens."""
    rows, tokens = _rows(pretrained), base_tokens(tokenizer)
    if tokens > rows:
        raise DataError(
            f"{name}: the tokenizer has {tokens:,} tokens, and {pretrained} has {rows:,}: they are not of one model"
        )
    if name == pretrained:
        return
    try:
        theirs = load_tokenizer(pretrained).get_vocab()
    except DataError:  # the model came without one: there is nothing to compare
        return
    ours = {i: token for token, i in tokenizer.get_vocab().items()}
    for token, i in sorted(theirs.items(), key=lambda entry: entry[1]):
        if ours.get(i, token) != token:
            raise DataError(
                f"{name}: token {i} is '{ours[i]}', and '{token}' in {pretrained}: they are not of one model"
            )


def _found(name: str, context: DatasetContext) -> str:
    try:
        return find_or_id(name, context.search)
    except HubError as error:
        raise DataError(f"tokenizer {error}") from error


def _trained(wanted: TrainTokenizer, conversations: SourcePart) -> PreTrainedTokenizerFast:
    """The tokenizer trained on the conversations, now unless it is in the cache."""
    check_vocabulary_size(wanted)

    def read(folder: Path) -> str | None:
        file = folder / "tokenizer.json"
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def make(folder: Path) -> None:
        (folder / "tokenizer.json").write_text(train(conversations, wanted), encoding="utf-8")

    return from_state(cached(key_of(conversations.key(), wanted), make, read))


def _rows(pretrained: str) -> int:
    from transformers import AutoConfig

    def load(local: bool) -> Any:
        return AutoConfig.from_pretrained(pretrained, local_files_only=local, trust_remote_code=False)

    try:
        return int(load_local_or_hub(pretrained, load).get_text_config().vocab_size)
    except HubError as error:
        raise DataError(f"model {error}") from error
    except Exception as error:  # transformers raises many kinds for a folder without a model
        raise DataError(f"{pretrained}: expected a Hugging Face model: {one_line(error)}") from error


def base_tokens(tokenizer: PreTrainedTokenizerBase) -> int:
    """The number of ids, from 0 on, that are the tokenizer's."""
    return max(tokenizer.get_vocab().values()) + 1


def add_predictors(tokenizer: PreTrainedTokenizerBase, k: int, distinct: bool, stop_ids: Sequence[int]) -> TokenNames:
    """Adds the predictor tokens as the next ids, and names all tokens.

    Marked are ``base_tokens``, below which ids are those of the tokenizer as it came, and ``stop_ids``, which end an
    answer.
    """
    known = base_tokens(tokenizer)
    names = pred_names(k, distinct)
    tokenizer.add_tokens(names, special_tokens=True)
    ids = dict(sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]))
    marked = {"base_tokens": known, "stop_ids": list(stop_ids)}
    padding = next(i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if i is not None)
    return TokenNames(token_to_id=ids, pad_id=padding, pred_ids=tuple(ids[name] for name in names), marked=marked)
