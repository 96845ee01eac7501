"""``vocab.json``: token -> id."""

from __future__ import annotations

from pathlib import Path

from jepa_core import DataError, show
from jepa_core.samples.token_names import MAX_UNUSED
from jepa_plugins.facts.json_file import read_json
from jepa_plugins.facts.vocabulary import MASK, PAD


def read_vocab(path: Path) -> dict[str, int]:
    """Reads token -> id from the file.

    Raises DataError for anything but an object of different, non-negative whole numbers with ``<mask>`` and
    ``<pad>`` in it, and for ids that would make an embedding table of mostly unused rows.
    """
    pairs = read_json(path, pairs=_Pairs)
    if not isinstance(pairs, _Pairs):
        raise DataError(f"{path}: expected an object of token -> id, not {show(pairs)}")
    tokens: dict[str, int] = {}
    owner: dict[int, str] = {}
    for token, token_id in pairs:
        _check_id(path, token, token_id)
        if token in tokens:
            raise DataError(f"{path}: token '{token}': expected one id, it has {tokens[token]} and {token_id}")
        if token_id in owner:
            raise DataError(f"{path}: token '{token}': id {token_id} belongs to '{owner[token_id]}' already")
        tokens[token], owner[token_id] = token_id, token
    for name in (MASK, PAD):
        if name not in tokens:
            raise DataError(f"{path}: expected a token '{name}', there is none")
    _check_gap(path, owner)
    return tokens


class _Pairs(list):
    """The entries of a JSON object, repeated keys included."""


def _check_id(path: Path, token: str, token_id: object) -> None:
    if type(token_id) is not int or token_id < 0:
        raise DataError(f"{path}: token '{token}': expected a whole number from 0 on as id, not {show(token_id)}")


def _check_gap(path: Path, owner: dict[int, str]) -> None:
    largest = max(owner)
    unused = largest + 1 - len(owner)
    if unused > max(len(owner), MAX_UNUSED):
        raise DataError(
            f"{path}: token '{owner[largest]}': id {largest} makes an embedding table of {largest + 1} rows, "
            f"{unused} of them unused: expected ids without such a gap ({len(owner)} tokens)"
        )
