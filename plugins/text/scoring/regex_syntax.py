"""Reads NL-RX's syntax of regular expressions: see :mod:`jepa_plugins.text.scoring.regex_terms`."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable

from jepa_plugins.text.scoring.regex_terms import (
    ANY,
    EMPTY,
    At,
    Chars,
    RegexError,
    Term,
    both,
    cat,
    either,
    negate,
    repeat,
)

DIGITS = frozenset(string.digits)
WORD = frozenset(string.ascii_letters + string.digits + "_")
SPACE = frozenset(" \t\n\r\f\v")
CLASSES = {"d": DIGITS, "w": WORD, "s": SPACE}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
PLACES = {"b": "edge", "B": "inside"}
COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
SIMPLE = {"*": (0, None), "+": (1, None), "?": (0, 1)}
#: Larger counts are refused, as they would only run into the time limit.
MOST_COPIES = 1000


def read_regex(text: str) -> Term:
    """Reads an expression as a term. Raises RegexError."""
    return _Reader(text).whole()


class _Reader:
    """A recursive descent parser, one method a level, from loose to tight."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def whole(self) -> Term:
        term = self._either()
        if self.at < len(self.text):
            raise self._error(f"unexpected '{self.text[self.at]}'")
        return term

    def _either(self) -> Term:
        return either(self._separated("|", self._both))

    def _both(self) -> Term:
        return both(self._separated("&", self._in_a_row))

    def _separated(self, mark: str, part: Callable[[], Term]) -> Iterable[Term]:
        parts = [part()]
        while self._take(mark):
            parts.append(part())
        return parts

    def _in_a_row(self) -> Term:
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|&)":
            parts.append(self._repeated())
        term: Term = EMPTY
        for part in reversed(parts):
            term = cat(part, term)
        return term

    def _repeated(self) -> Term:
        term = self._negated()
        while (count := self._count()) is not None:
            term = repeat(term, *count)
        return term

    def _count(self) -> tuple[int, int | None] | None:
        """The least and the most of a repetition at this place; None where there is none."""
        char = self.text[self.at : self.at + 1]
        if char in SIMPLE:
            self.at += 1
            return SIMPLE[char]
        match = COUNTED.match(self.text, self.at)
        if not match:
            return None
        least = int(match[1])
        most = (int(match[3]) if match[3] else None) if match[2] else least
        if max(least, most or 0) > MOST_COPIES or (most is not None and most < least):
            raise self._error(f"bad count {match[0]}")
        self.at = match.end()
        return least, most

    def _negated(self) -> Term:
        return negate(self._negated()) if self._take("~") else self._one()

    def _one(self) -> Term:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._set()
        if char == "\\":
            return self._escaped()
        if char in "^$":
            return At("start" if char == "^" else "end")
        if char in "*+?{":
            raise self._error(f"nothing to repeat before '{char}'", back=1)
        return ANY if char == "." else Chars(frozenset(char))

    def _group(self) -> Term:
        start = self.at
        if self.text.startswith("?:", self.at):
            self.at += 2
        term = self._either()
        if not self._take(")"):
            raise self._error("'(' is not closed", back=self.at - start + 1)
        return term

    def _escaped(self) -> Term:
        char = self._next()
        if char in PLACES:
            return At(PLACES[char])
        if char.lower() in CLASSES:
            return Chars(CLASSES[char.lower()], negated=char.isupper())
        return Chars(frozenset(CONTROLS.get(char, char)))

    def _set(self) -> Term:
        """Reads the rest of a set after ``[``: characters, ranges and classes up to ``]``."""
        start, negated, members = self.at, self._take("^"), set[str]()
        while not self._take("]"):
            if self.at >= len(self.text):
                raise self._error("'[' is not closed", back=self.at - start + 1)
            members |= self._members()
        return Chars(frozenset(members), negated)

    def _members(self) -> frozenset[str]:
        first = self._member()
        if len(first) != 1 or not re.match(r"-[^\]]", self.text[self.at : self.at + 2]):
            return first
        self.at += 1
        last = self._member()
        low, high = min(first), min(last)
        if len(last) != 1 or low > high:
            raise self._error(f"bad range up to '{high}'")
        return frozenset(map(chr, range(ord(low), ord(high) + 1)))

    def _member(self) -> frozenset[str]:
        char = self._next()
        if char != "\\":
            return frozenset(char)
        char = self._next()
        return CLASSES.get(char, frozenset(CONTROLS.get(char, char)))

    def _take(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.at)
        self.at += found
        return found

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise self._error("unexpected end")
        self.at += 1
        return self.text[self.at - 1]

    def _error(self, what: str, back: int = 0) -> RegexError:
        return RegexError(f"character {self.at - back + 1}: {what}")
