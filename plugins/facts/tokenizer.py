"""Tokenizers for facts written in words: one made of the words themselves, or a Hugging Face one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from jepa_core import DataError
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.spelling import Spelling
from jepa_plugins.facts.vocabulary import MASK, PAD, Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

#: Names encoded at once.
_PART = 1 << 14


def word_tokenizer(names: Iterable[str]) -> PreTrainedTokenizerFast:
    """Makes a tokenizer with a token for every word of these names; ids in the order of the sorted words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for name in names for word in name.split()})
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def add_specials(
    tokenizer: PreTrainedTokenizerBase, relations: Relations, predictors: Sequence[str], where: str
) -> Vocabulary:
    """Adds ``<mask>``, a token ``<name>`` a relation, ``<pad>`` and the `predictors`; returns the vocabulary.

    An inverse stands beside its relation, symmetric relations come last. where: the file of the relations.
    Raises DataError for a relation whose token would be another's.
    """
    tokens = [f"<{name}>" for name in relations.names]
    taken = {*tokenizer.get_vocab(), MASK, PAD, *predictors}
    for name, token in zip(relations.names, tokens, strict=True):
        if token in taken:
            raise DataError(f"{where}: relation '{name}': expected another name, '{token}' is a token already")
    tokenizer.add_tokens([MASK, *tokens, PAD, *predictors], special_tokens=True)
    tokenizer.mask_token, tokenizer.pad_token = MASK, PAD
    token_to_id = dict(sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1]))
    return Vocabulary(
        token_to_id=token_to_id,
        relation_ids=tuple(token_to_id[token] for token in tokens),
        mask_id=token_to_id[MASK],
        pad_id=token_to_id[PAD],
        inverse_ids=tuple(token_to_id[tokens[number]] for number in relations.inverse_numbers),
    )


def encode_names(
    tokenizer: PreTrainedTokenizerBase, names: Sequence[str], line_of: Callable[[int], int], where: str
) -> Spelling:
    """Encodes each name.

    line_of: number of a name -> its line in the file `where`, for errors. Raises DataError for a name with a
    special token in it, with a part that the tokenizer does not know, or without any token, and for two names with the
    same tokens, which would be one entity.
    """

    def refuse(number: int, found: str) -> NoReturn:
        raise DataError(f"{where}: line {line_of(number)}: '{names[number]}': {found}")

    special = _special_tokens(tokenizer)
    for number, name in enumerate(names):
        if inside := special.search(name):
            refuse(number, f"expected ordinary tokens, there is the special {inside[0]}")
    spelling = Spelling.of(_encoded(tokenizer, names))
    for number in np.flatnonzero(spelling.lengths == 0).tolist():
        refuse(number, "expected ordinary tokens, there is none")
    if tokenizer.unk_token_id is not None and (unknown := np.flatnonzero(spelling.ids == tokenizer.unk_token_id)).size:
        number = int(np.searchsorted(spelling.starts, unknown[0], "right")) - 1
        refuse(number, "expected ordinary tokens, there is a part that the tokenizer does not know")
    if (twice := spelling.first_twice()) is not None:
        number, other = twice
        owner = f"'{names[other]}' (line {line_of(other)})"
        refuse(number, f"expected tokens of its own, the tokenizer gives it those of {owner}")
    return spelling


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """A pattern that matches special tokens, the longer of two that begin at the same place."""
    added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    special = {*added, *tokenizer.all_special_tokens} - {""}
    return re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")


def _encoded(tokenizer: Any, names: Sequence[str]) -> Iterator[Sequence[int]]:
    """Yields the ids of each name; encodes part by part, as a tokenizer's output is many times larger than its ids."""
    encode = partial(tokenizer, add_special_tokens=False, return_attention_mask=False)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        encode([""])  # from here on it neither pads nor truncates
    for start in range(0, len(names), _PART):
        part = list(names[start : start + _PART])
        if backend is None:
            yield from encode(part)["input_ids"]
        else:
            yield from (each.ids for each in backend.encode_batch_fast(part, add_special_tokens=False))
