"""Pairs made by a small grammar: a description of lines, and the regular expression for just these lines.

A claim about a line is drawn from :data:`FORMS`; it may be negated, and two of them joined. Each form has several
wordings and one expression, so the same expression has many descriptions. The syntax of the expressions is that
of :mod:`jepa_plugins.text.scoring.regex_terms`, with ``&`` and ``~``.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from jepa_core.errors import DataError

T = TypeVar("T")
Messages = list[dict[str, str]]


class Pair(NamedTuple):
    """A description and its expression."""

    text: str
    regex: str


class Claim(NamedTuple):
    """A relative clause, its expression, and the parts of a line that it decides."""

    text: str
    regex: str
    fixes: frozenset[str] = frozenset()


class Thing(NamedTuple):
    """A thing that a line may have: in the singular, in the plural, and as an expression."""

    one: str
    some: str
    regex: str


@dataclass(frozen=True)
class Form:
    """Wordings of one claim about `lines`, and its expression.

    Both are templates: {a} and {b} are things, {as} things of the first kind, {n} a number in words, {A}, {B} and
    {N} their expressions. fixes: the parts of a line that the claim decides: ``begin``, ``end``, or ``all``. Two claims
    that decide the same part could contradict each other.
    """

    wordings: tuple[str, ...]
    regex: str
    fixes: frozenset[str] = frozenset()


KINDS = (
    Thing("a digit", "digits", "[0-9]"),
    Thing("a vowel", "vowels", "[aeiouAEIOU]"),
    Thing("a letter", "letters", "[A-Za-z]"),
    Thing("a capital", "capitals", "[A-Z]"),
    Thing("a small letter", "small letters", "[a-z]"),
    Thing("a hyphen", "hyphens", "-"),
)
WORDS = ("oak", "moss", "fern", "river", "stone", "owl")
THINGS = (*KINDS, *(Thing(f"'{word}'", f"copies of '{word}'", word) for word in WORDS))
#: The most pairs that are made; the grammar has millions.
MOST = 100_000
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
BEGIN, END = frozenset({"begin"}), frozenset({"end"})
ALL = BEGIN | END | {"all"}

FORMS = (
    Form(("that have {a}", "that contain {a}", "in which there is {a}"), ".*{A}.*"),
    Form(("that begin with {a}", "that start with {a}", "whose beginning is {a}"), "{A}.*", BEGIN),
    Form(("that end with {a}", "that finish with {a}", "whose end is {a}"), ".*{A}", END),
    Form(("that have {a} before {b}", "that have {a} and later {b}", "where {b} follows {a}"), ".*{A}.*{B}.*"),
    Form(("that have {a} right before {b}", "where {b} follows {a} at once"), ".*{A}{B}.*"),
    Form(("that begin with {a} and end with {b}", "that go from {a} to {b}"), "{A}.*{B}", BEGIN | END),
    Form(("that have at least {n} {as}", "with {n} {as} or more"), ".*({A}.*){{{N},}}"),
    Form(("that are nothing but {as}", "made of {as} alone"), "({A})+", ALL),
    Form(("that are {n} {as}", "made of just {n} {as}"), "({A}){{{N}}}", ALL),
    Form(("with at least {n} characters", "that are {n} characters long or longer"), ".{{{N},}}"),
    Form(("with {a} as a word", "where {a} stands as a word of its own"), r".*\b{A}\b.*"),
)
#: Joins of two claims.
BOTH = ("{p} and also {q}", "{p}, and moreover {q}", "{p} and at the same time {q}")
EITHER = ("{p} or else {q}", "{p}, or {q}", "{p} or, failing that, {q}")
NEITHER = ("other than those {p}", "but not those {p}", "except the ones {p}")


class _Draws:
    """Choices made with ``random()`` alone, whose sequence Python promises to keep."""

    def __init__(self, seed: int):
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[int(self._random() * len(choices))]


def claim(draws: _Draws) -> Claim:
    """Draws a claim about lines."""
    form, first, second = draws.one_of(FORMS), draws.one_of(THINGS), draws.one_of(THINGS)
    number = draws.one_of([*NUMBERS])
    said = {"a": first.one, "as": first.some, "b": second.one, "n": number}
    meant = {"A": first.regex, "B": second.regex, "N": NUMBERS[number]}
    return Claim(draws.one_of(form.wordings).format(**said), form.regex.format(**meant), form.fixes)


def negated(draws: _Draws, inner: Claim) -> Claim:
    return Claim(draws.one_of(NEITHER).format(p=inner.text), f"~({inner.regex})")


def joined(draws: _Draws, mark: str, first: Claim, second: Claim) -> Claim:
    words = draws.one_of(BOTH if mark == "&" else EITHER)
    return Claim(words.format(p=first.text, q=second.text), f"({first.regex}){mark}({second.regex})")


def two_claims(draws: _Draws) -> Claim:
    """Draws two claims joined by or, or by and where both can hold."""
    mark, first, second = draws.one_of("&|"), claim(draws), claim(draws)
    while mark == "&" and ("all" in first.fixes | second.fixes or first.fixes & second.fixes):
        first, second = claim(draws), claim(draws)
    return joined(draws, mark, first, second)


def pairs(seed: int) -> Iterator[Pair]:
    """Yields pairs without end, with different descriptions: single claims, negated ones, and two joined."""
    draws, seen = _Draws(seed), set()
    while True:
        if draws.chance(0.45):
            made = two_claims(draws)
        else:
            made = claim(draws)
            made = negated(draws, made) if draws.chance(0.45) else made
        if made.text not in seen:
            seen.add(made.text)
            yield Pair(f"lines {made.text}", made.regex)


def regex_pairs(
    seed: int = 42, train: int = 6000, test: int = 500, shared: float = 0.0
) -> tuple[list[Messages], list[Messages]]:
    """Makes conversations to train on and to test with, from one seed. No description is in both.

    shared: the share of the test's expressions that training has too, under other descriptions; it has none of the
    others. No two test pairs have the same expression.
    """
    if train < 1 or test < 0 or train + test > MOST or not 0 <= shared <= 1:
        raise DataError(
            f"regex_pairs: train {train}, test {test}, shared {shared}: "
            f"needs numbers that sum up to {MOST:,} at most, and a share from 0 to 1"
        )
    stream, drawn, known = pairs(seed), list[Pair](), round(shared * test)
    while True:
        drawn += [next(stream) for _ in range(train + test)]
        found = _divide(drawn, train, test - known, known)
        if found:
            return [_messages(pair) for pair in found[0]], [_messages(pair) for pair in found[1]]


def _divide(drawn: list[Pair], train: int, new: int, known: int) -> tuple[list[Pair], list[Pair]] | None:
    """Divides pairs into those to train on and to test with, in the order drawn; None where there are too few.

    new: the number of test expressions kept from training; known: the number in training, so that one other
    description of each goes there before anything else.
    """
    first_of = {pair.regex: pair for pair in reversed(drawn)}
    tested = list(first_of.values())[::-1][:new]
    kept_out = {pair.regex for pair in tested}
    others = defaultdict[str, list[Pair]](list)
    for pair in drawn:
        if pair.regex not in kept_out:
            others[pair.regex].append(pair)
    several = [group for group in others.values() if len(group) > 1][:known]
    tested += [group[0] for group in several]
    trained = [group[1] for group in several]
    taken = {pair.text for pair in tested + trained}
    trained += [pair for pair in drawn if pair.regex not in kept_out and pair.text not in taken]
    if len(tested) < new + known or len(trained) < train or len(several) > train:
        return None
    return trained[:train], tested


def _messages(pair: Pair) -> Messages:
    return [{"role": "user", "content": pair.text}, {"role": "assistant", "content": pair.regex}]
