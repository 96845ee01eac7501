"""Tokenizers for facts written in words: one made of the words themselves, or a Hugging Face one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jepa_core import DataError
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.vocabulary import MASK, PAD, Vocabulary


def word_tokenizer(names: Iterable[str]) -> Any:
    """A token for every word of these names; ids in the order of the sorted words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for name in names for word in name.split()})
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def add_specials(tokenizer: Any, relations: Relations, predictors: Sequence[str], where: str) -> Vocabulary:
    """Adds ``<mask>``, a token ``<name>`` a relation, ``<pad>`` and the `predictors`; the vocabulary then.

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
        inverse_ids=tuple(token_to_id[f"<{relations.inverse[name]}>"] for name in relations.names),
    )


def encode_names(tokenizer: Any, lines: Mapping[str, int], where: str) -> dict[str, tuple[int, ...]]:
    """Name -> token ids.

    lines: name -> the line of file `where` that an error names. Raises DataError for a name with a special
    token in it, with a part that the tokenizer does not know, or without any token, and for two names of the
    same tokens, which would be one entity.
    """
    added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    special = {*added, *tokenizer.all_special_tokens}

    def refuse(name: str, found: str) -> None:
        raise DataError(f"{where}: line {lines[name]}: '{name}': expected ordinary tokens, there is {found}")

    for name in lines:
        if inside := [token for token in special if token in name]:
            refuse(name, f"the special {inside[0]}")
    encoded = tokenizer(list(lines), add_special_tokens=False)["input_ids"]
    for name, ids in zip(lines, encoded, strict=True):
        if not ids or tokenizer.unk_token_id in ids:
            refuse(name, "a part that the tokenizer does not know" if ids else "none")
    spelling = {name: tuple(ids) for name, ids in zip(lines, encoded, strict=True)}
    _refuse_merged(spelling, lines, where)
    return spelling


def _refuse_merged(spelling: Mapping[str, tuple[int, ...]], lines: Mapping[str, int], where: str) -> None:
    owner: dict[tuple[int, ...], str] = {}
    for name, ids in spelling.items():
        if (other := owner.setdefault(ids, name)) != name:
            raise DataError(
                f"{where}: line {lines[name]}: '{name}': expected tokens of its own, the tokenizer gives it those of "
                f"'{other}' (line {lines[other]})"
            )
