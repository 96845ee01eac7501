"""Regular expressions as finite automata, by Brzozowski's derivatives.

The derivative of an expression by a character describes what may follow that character. This construction treats
``&`` and ``~`` just like ``|``; and since it asks at a place between two characters whether an expression may match
nothing, the kinds of these two are all that ``\\b`` needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count
from typing import Literal

from automata.fa.dfa import DFA

from jepa_plugins.text.scoring.regex_syntax import WORD, read_regex
from jepa_plugins.text.scoring.regex_terms import (
    EMPTY,
    NOTHING,
    And,
    At,
    Cat,
    Chars,
    Not,
    Or,
    Star,
    Term,
    both,
    cat,
    either,
    negate,
)

#: Kinds of neighbours of a place between two characters.
IN_WORD, NOT_IN_WORD, END_OF_LINE = "word", "other", "none"


def compare_regexes(one: str, other: str) -> Literal["same", "others", "none"]:
    """Tells whether both expressions describe the ``same`` lines or ``others``, or both ``none``. Raises RegexError."""
    terms = read_regex(one), read_regex(other)
    alphabet = representatives(terms)
    first, second = (machine(term, alphabet) for term in terms)
    if first != second:
        return "others"
    return "none" if first.isempty() else "same"


def representatives(terms: Iterable[Term]) -> list[str]:
    """Picks one character for each group that no set of the expressions, and no edge of a word, tells apart."""
    sets = {leaf.members for term in terms for leaf in _leaves(term)} | {WORD}
    mentioned = frozenset[str]().union(*sets)
    other = next(char for char in map(chr, count()) if char not in mentioned)
    return list({tuple(char in members for members in sets): char for char in [other, *sorted(mentioned)]}.values())


def _leaves(term: Term) -> Iterator[Chars]:
    match term:
        case Chars():
            yield term
        case Cat(first, rest):
            yield from _leaves(first)
            yield from _leaves(rest)
        case Star(inner) | Not(inner):
            yield from _leaves(inner)
        case Or(parts) | And(parts):
            for part in parts:
                yield from _leaves(part)


def machine(term: Term, alphabet: list[str]) -> DFA:
    """Makes the automaton of an expression; a state is the term left to match, and the last character's kind."""
    start = (term, END_OF_LINE)
    numbers, todo, transitions = {start: 0}, [start], dict[int, dict[str, int]]()
    while todo:
        state = todo.pop()
        row = transitions[numbers[state]] = {}
        for char in alphabet:
            after = derivative(state[0], char, state[1]), _kind(char)
            if after not in numbers:
                numbers[after] = len(numbers)
                todo.append(after)
            row[char] = numbers[after]
    return DFA(
        states=set(numbers.values()),
        input_symbols=set(alphabet),
        transitions=transitions,
        initial_state=0,
        final_states={number for (rest, before), number in numbers.items() if matches_empty(rest, before, END_OF_LINE)},
    )


def _kind(char: str) -> str:
    return IN_WORD if char in WORD else NOT_IN_WORD


@lru_cache(100_000)
def derivative(term: Term, char: str, before: str) -> Term:
    """The term that may follow `char` in `term`; before: the kind of the character before it."""
    match term:
        case Chars():
            return EMPTY if char in term else NOTHING
        case Cat(first, rest):
            after_first = cat(derivative(first, char, before), rest)
            if matches_empty(first, before, _kind(char)):
                return either([after_first, derivative(rest, char, before)])
            return after_first
        case Star(inner):
            return cat(derivative(inner, char, before), term)
        case Not(inner):
            return negate(derivative(inner, char, before))
        case Or(parts):
            return either([derivative(part, char, before) for part in parts])
        case And(parts):
            return both([derivative(part, char, before) for part in parts])
        case _:  # a place, or the empty string: no character
            return NOTHING


@lru_cache(100_000)
def matches_empty(term: Term, before: str, after: str) -> bool:
    """Tells whether the empty string matches at a place between characters of these kinds."""
    match term:
        case At(place):
            return place in _places(before, after)
        case Chars():
            return False
        case Cat(first, rest):
            return matches_empty(first, before, after) and matches_empty(rest, before, after)
        case Not(inner):
            return not matches_empty(inner, before, after)
        case Or(parts):
            return any(matches_empty(part, before, after) for part in parts)
        case And(parts):
            return all(matches_empty(part, before, after) for part in parts)
        case _:  # a repetition, or the empty string
            return True


def _places(before: str, after: str) -> set[str]:
    places = {"edge" if (before == IN_WORD) != (after == IN_WORD) else "inside"}
    if before == END_OF_LINE:
        places.add("start")
    if after == END_OF_LINE:
        places.add("end")
    return places
