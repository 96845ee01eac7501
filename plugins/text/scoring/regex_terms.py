"""Regular expressions as terms, simplified as they are built.

The syntax is that of NL-RX, the pairs of Locascio et al. 2016 (arXiv 1608.03000), where an expression describes
a whole line: beside ``| * + ? {m,n} ( ) [ ] .`` there are ``&`` (both hold), ``~`` (the next thing does not hold)
and ``\\b`` (an edge of a word). From loose to tight: ``|``, ``&``, one after another, repetition, ``~``. Also
read are ``\\d \\w \\s``, their opposites and ``\\B``; ``^`` and ``$`` hold at the ends of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, dataclass_transform

T = TypeVar("T")


class RegexError(ValueError):
    """An expression that can't be read; the message names the character (from 1)."""


@dataclass_transform(frozen_default=True)
def _term(kind: type[T]) -> type[T]:
    """Makes a frozen dataclass that computes its hash once, since a term's hash goes over all terms inside."""
    made = dataclass(frozen=True)(kind)
    hash_of = made.__hash__

    def kept_hash(self: T) -> int:
        known = self.__dict__.get("_hash")
        if known is None:
            known = self.__dict__["_hash"] = hash_of(self)
        return known

    made.__hash__ = kept_hash  # type: ignore[assignment, method-assign]
    return made


@_term
class Chars:
    """One character in `members`, or one not in them."""

    members: frozenset[str]
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        return (char in self.members) != self.negated


@_term
class At:
    """The empty string at a place of a kind: ``edge`` or ``inside`` of a word, ``start`` or ``end`` of the line."""

    place: str


@_term
class Cat:
    """`first`, then `rest`."""

    first: Term
    rest: Term


@_term
class Star:
    """Any number of `inner`."""

    inner: Term


@_term
class Not:
    """Everything but `inner`."""

    inner: Term


@_term
class Or:
    """Alternatives, at least one of `parts`; without parts no string at all."""

    parts: frozenset[Term]


@_term
class And:
    """All of `parts`, two or more."""

    parts: frozenset[Term]


@_term
class Empty:
    """The empty string."""


Term: TypeAlias = Chars | At | Cat | Star | Not | Or | And | Empty

EMPTY = Empty()
NOTHING = Or(frozenset())
EVERYTHING = Not(NOTHING)
ANY = Chars(frozenset(), negated=True)


def cat(first: Term, rest: Term) -> Term:
    if NOTHING in (first, rest):
        return NOTHING
    if first == EMPTY or first == rest == EVERYTHING:
        return rest
    if rest == EMPTY:
        return first
    if isinstance(first, Cat):  # to the right, so that equal expressions become equal terms
        return cat(first.first, cat(first.rest, rest))
    if first == EVERYTHING and isinstance(rest, Cat) and rest.first == EVERYTHING:
        return rest
    return Cat(first, rest)


def star(inner: Term) -> Term:
    if inner in (NOTHING, EMPTY):
        return EMPTY
    if inner in (ANY, EVERYTHING):
        return EVERYTHING
    return inner if isinstance(inner, Star) else Star(inner)


def negate(inner: Term) -> Term:
    return inner.inner if isinstance(inner, Not) else Not(inner)


def either(parts: Iterable[Term]) -> Term:
    flat = {leaf for part in parts for leaf in (part.parts if isinstance(part, Or) else (part,))}
    if EVERYTHING in flat:
        return EVERYTHING
    return flat.pop() if len(flat) == 1 else Or(frozenset(flat))


def both(parts: Iterable[Term]) -> Term:
    flat = {leaf for part in parts for leaf in (part.parts if isinstance(part, And) else (part,))} - {EVERYTHING}
    if NOTHING in flat:
        return NOTHING
    if not flat:
        return EVERYTHING
    return flat.pop() if len(flat) == 1 else And(frozenset(flat))


def repeat(inner: Term, least: int, most: int | None) -> Term:
    """`inner` from `least` to `most` times, without limit where that is None."""
    if most is None:
        term = star(inner)
    else:
        term = EMPTY
        for _ in range(most - least):
            term = either([EMPTY, cat(inner, term)])
    for _ in range(least):
        term = cat(inner, term)
    return term
