"""Tokens of subword tokenizers as people read them: ``Ġwhich`` as ``·which``, ``Ċ`` as ``↵``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import cache

#: Blanks, and how they are shown.
MARKS = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}
_TABLE = {ord(blank): mark for blank, mark in MARKS.items()}
#: A space, in tokenizers of bytes (GPT-2's, and most since) and of pieces (SentencePiece).
SPACE, PIECE = "Ġ", "▁"
#: Single characters of a vocabulary of bytes, at least; words hardly have as many.
LETTERS = 20
_BYTE = re.compile("<0x([0-9A-F]{2})>")


def speller(tokens: Collection[str]) -> Callable[[str], str]:
    """Finds how the tokens of this vocabulary are read, by the signs of its tokenizer; words stay as they are.

    >>> speller({"anna", "Ġanna"})("Ġanna")
    'Ġanna'
    """
    if SPACE in tokens and sum(len(token) == 1 for token in tokens) >= LETTERS:
        return of_bytes
    return of_pieces if PIECE in tokens else str


def of_bytes(token: str) -> str:
    r"""Reads a token of bytes; one that ends within a character shows its bytes, and one with others is as it is.

    >>> of_bytes("Ġwhich"), of_bytes("ĊĊ"), of_bytes("cafÃ©"), of_bytes("âĤ"), of_bytes("<|end▁of▁text|>")
    ('·which', '↵↵', 'café', '\\xe2\\x82', '<|end▁of▁text|>')
    """
    known = alphabet()
    if any(character not in known for character in token):
        return token
    return _marked(bytes(known[character] for character in token))


def of_pieces(token: str) -> str:
    """Reads a piece of SentencePiece's; ``<0x0A>`` is a byte.

    >>> of_pieces("▁which"), of_pieces("<0x0A>"), of_pieces("</s>")
    ('·which', '↵', '</s>')
    """
    found = _BYTE.fullmatch(token)
    return _marked(bytes.fromhex(found[1])) if found else token.replace(PIECE, MARKS[" "])


@cache
def alphabet() -> dict[str, int]:
    """Character -> byte, as GPT-2 writes bytes: printable ones stand for themselves, others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


def key_to_marks(names: Iterable[str]) -> str:
    """Explains the marks that occur in these names; empty where none does.

    >>> key_to_marks(["·which", "lines"])
    'in tokens · is a space'
    """
    words = {"·": "a space", "↵": "a new line", "␍": "a carriage return", "⇥": "a tab"}
    seen = set().union(*names)
    told = [f"{mark} is {meaning}" for mark, meaning in words.items() if mark in seen]
    return f"in tokens {', '.join(told)}" if told else ""


def _marked(characters: bytes) -> str:
    return characters.decode("utf-8", "backslashreplace").translate(_TABLE)
