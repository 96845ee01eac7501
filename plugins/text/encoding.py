"""Encoding rendered conversations as tokens, each with the characters it stands for.

``n`` tokens of one text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from jepa_plugins.text.secret import secret

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncodedText:
    """ids: ``n``; starts, ends: ``n``, the characters ``[start, end)`` of each, white space included."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def with_prefix(self, ids: Sequence[int]) -> EncodedText:
        """Puts tokens in front that stand for no character."""
        none = np.zeros(len(ids), dtype=np.int64)
        parts = ((ids, self.ids), (none, self.starts), (none, self.ends))
        return EncodedText(*(np.concatenate(part).astype(np.int64) for part in parts))


class Encoder:
    """Encodes text as the tokenizer does, special tokens in the text included, but adds none.

    prefix: the tokens that the tokenizer puts in front of every text by default, a BOS token or nothing.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        for token in state["added_tokens"]:
            token["special"] |= token["content"] in tokenizer.all_special_tokens
        # The post-processor adds special tokens, and may cut white space off what a token stands for.
        self._state = state | {"post_processor": None, "padding": None, "truncation": None}
        self._tokenizer = _from(self._state)
        self.prefix = _prefix(tokenizer)
        self.special = {t["content"]: t["id"] for t in state["added_tokens"] if t["special"]}
        self.unknown: int | None = tokenizer.unk_token_id
        self.is_special = np.zeros(max(tokenizer.get_vocab().values()) + 1, dtype=bool)
        self.is_special[[*self.special.values(), *tokenizer.all_special_ids]] = True

    def key(self) -> list[Any]:
        """A key that changes whenever a text can become other tokens."""
        import tokenizers

        return [json.dumps(self._state, sort_keys=True), self.prefix, tokenizers.__version__]

    def encode(self, texts: Sequence[str]) -> list[EncodedText]:
        return _tokens(self._tokenizer.encode_batch(texts, add_special_tokens=False))

    def escape(self, text: str, literals: Iterable[tuple[int, int]]) -> EncodedText:
        """Encodes with special tokens in the `literals`, ``[start, end)``, alone; elsewhere they are ordinary text."""
        return self._escaping.encode(text, literals)

    @cached_property
    def _escaping(self) -> Escaping:
        return Escaping(self._state)


class Escaping:
    """A second tokenizer whose special tokens have random names, which nobody can have written.

    In a text these names replace the special tokens that are meant as such; others are ordinary text to it. The
    tokenizer behaves the same otherwise.
    """

    def __init__(self, state: dict[str, Any]):
        special = [token for token in state["added_tokens"] if token["special"]]
        self._names = {token["content"]: secret(4) for token in special}
        renamed = [t | {"content": self._names.get(t["content"], t["content"])} for t in state["added_tokens"]]
        self._tokenizer = _from(state | {"added_tokens": renamed})
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        self._ids = np.arange(max(vocabulary.values()) + 1)
        for token in state["added_tokens"]:  # the names came behind the vocabulary, and moved the other added tokens
            self._ids[vocabulary[self._names.get(token["content"], token["content"])]] = token["id"]
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def encode(self, text: str, literals: Iterable[tuple[int, int]]) -> EncodedText:
        found = [m.span() for start, end in literals for m in self._pattern.finditer(text, start, end)]
        pieces, places = [], []  # the text with names, and of each of its characters the place in `text`
        for (_, before), (start, end) in pairwise([(0, 0), *found, (len(text), len(text))]):
            name = self._names.get(text[start:end], "")
            pieces += [text[before:start], name]
            places += [np.arange(before, start), np.full(len(name), start)]
        [tokens] = _tokens([self._tokenizer.encode("".join(pieces), add_special_tokens=False)])
        place = np.concatenate([*places, [len(text)]])
        return EncodedText(self._ids[tokens.ids], place[tokens.starts], place[tokens.ends])


def _from(state: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(json.dumps(state))


def _tokens(encodings: Sequence[Any]) -> list[EncodedText]:
    """Turns all encodings into arrays at once, many times as fast as one by one; each text gets a slice."""
    ids = np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int64)
    edges = chain.from_iterable(encoding.offsets for encoding in encodings)
    starts, ends = np.fromiter(chain.from_iterable(edges), np.int64).reshape(-1, 2).T.copy()
    stops = [*accumulate(len(encoding.ids) for encoding in encodings)]
    return [EncodedText(ids[a:b], starts[a:b], ends[a:b]) for a, b in pairwise([0, *stops])]


def _prefix(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    for text in sorted(tokenizer.get_vocab(), key=len):  # something that the tokenizer knows
        if plain := tokenizer(text, add_special_tokens=False)["input_ids"]:
            whole = tokenizer(text)["input_ids"]
            return list(whole[: next(i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)])
    return []
