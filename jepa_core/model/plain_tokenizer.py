"""A run's tokenizer for people who know nothing of the run: without predictor tokens, ready for words it never saw."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jepa_core.model.new_tokens import without_tokens
from jepa_core.model.tokenizer import tokenizer_files
from jepa_core.samples.token_names import TokenNames

_WHOLE = "tokenizer.json"
_PREDICTOR = re.compile(r"<PRED(_\d+)?>")


def predictor_ids(names: TokenNames) -> range:
    """The ids of predictor tokens at the end of the vocabulary; those that a tokenizer has itself stay."""
    first, own = names.size, names.marked.get("base_tokens", 0)
    while first > own and _PREDICTOR.fullmatch(names.name(first - 1)):
        first -= 1
    return range(first, names.size)


def plain_tokenizer(files: Mapping[str, bytes], names: TokenNames, without: range) -> dict[str, bytes]:
    """The files of a saved tokenizer without these ids; where tokens only have names, those of a tokenizer of words."""
    if _WHOLE not in files:
        return _of_names(names, without)
    found = without_tokens(files, {names.name(i) for i in without})
    return {**found, _WHOLE: _with_unknown(found[_WHOLE], names.name(names.pad_id))}


def _of_names(names: TokenNames, without: range) -> dict[str, bytes]:
    """Makes a tokenizer for texts that are names of tokens with spaces between them."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known, padding = {name: i for name, i in names.token_to_id.items() if i not in without}, names.name(names.pad_id)
    backend = Tokenizer(models.WordLevel(known, unk_token=padding))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token=padding)
    return tokenizer_files(tokenizer)


def _with_unknown(content: bytes, padding: str) -> bytes:
    """Gives a tokenizer of words, which would fail at unknown ones, a token for these: the padding token, which no
    training text has."""
    tokenizer: dict[str, Any] = json.loads(content)
    model = tokenizer["model"]
    if model.get("type") != "WordLevel" or model.get("unk_token") in model["vocab"]:
        return content
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    if padding not in {**model["vocab"], **added}:
        return content
    model["vocab"], model["unk_token"] = {**model["vocab"], **added}, padding
    return json.dumps(tokenizer, indent=2, ensure_ascii=False).encode("utf-8")
