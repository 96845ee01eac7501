"""Automata against worked examples, Python's own expressions, and matching by the definition."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from jepa_plugins.text.scoring.regex_machine import compare_regexes, machine, representatives
from jepa_plugins.text.scoring.regex_syntax import WORD, read_regex
from jepa_plugins.text.scoring.regex_terms import And, At, Cat, Chars, Empty, Not, Or, Star

#: Two word characters, one that is none.
LINES = ["".join(chars) for n in range(5) for chars in itertools.product("ab ", repeat=n)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(a|b)*", "(b*a*)*"),
        (".*dog.*", "(.*dog.*)+"),
        (".*a.*&.*b.*", ".*b.*&.*a.*"),
        ("~(.*a.*)", "[^a]*"),
        ("~(~(ab))", "ab"),
        ("~(a|b)", "~a&~b"),
        ("(a{2}){3}", "a{6}"),
        (r"\b\ba", r"\ba"),
        (r"a\b b", "a b"),
        (r"\bdog\b", "dog"),
        (r".*\b[a-z]\b.*", r"(.*[^A-Za-z0-9_])?[a-z]([^A-Za-z0-9_].*)?"),
        (r"^a$|b^c", "a"),
        ("", "(a&b)*"),
    ],
)
def test_equivalent(one, other):
    assert compare_regexes(one, other) == "same"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        ("a*", "a+"),
        (".*dog.*", r".*\bdog\b.*"),
        ("a{2,}", "a{3,}"),
        ("~(dog)", "~(.*dog.*)"),
        (".", "[a-z]"),
        (r"\w", "[a-zA-Z0-9]"),
        ("a|bc", "(a|b)c"),
        (r"~(\bdog\b).*", r"\b~(dog).*"),
    ],
)
def test_different(one, other):
    assert compare_regexes(one, other) == "others"


@pytest.mark.parametrize(("one", "other"), [("a&b", "c&d"), (r"a\bb", "~(.*)"), (r"a\B b", "b^a")])
def test_neither_describes_a_line(one, other):
    assert compare_regexes(one, other) == "none"


def accepted(text: str) -> list[str]:
    """The lines that the automaton accepts, told by representatives: a, b and the blank are told apart."""
    term = read_regex(text)
    alphabet = representatives([term, *map(read_regex, "ab ")])
    automaton = machine(term, alphabet)
    return [line for line in LINES if automaton.accepts_input(line)]


@pytest.mark.parametrize(
    "text", [r".*\bab\b.*", "(a|b)*a.", r"\b(a| )+\b", "a{1,2}( b?)*", "[^a]+$", r".*\Bb.*", r"\w+\s\w"]
)
def test_pythons_own_expressions_accept_the_same_lines(text):
    assert accepted(text) == [line for line in LINES if re.fullmatch(text, line)]


def ends(term, line: str, at: int) -> set[int]:
    """Finds where a match of `term` that begins at `at` may end: by the definition, slowly."""
    match term:
        case Empty():
            return {at}
        case Chars():
            return {at + 1} if at < len(line) and line[at] in term else set()
        case At(place):
            left, right = (0 <= i < len(line) and line[i] in WORD for i in (at - 1, at))
            holds = {"edge": left != right, "inside": left == right, "start": at == 0, "end": at == len(line)}
            return {at} if holds[place] else set()
        case Cat(first, rest):
            return {end for middle in ends(first, line, at) for end in ends(rest, line, middle)}
        case Star(inner):
            found, todo = {at}, [at]
            while todo:
                new = ends(inner, line, todo.pop()) - found
                found |= new
                todo += new
            return found
        case Not(inner):
            return set(range(at, len(line) + 1)) - ends(inner, line, at)
        case Or(parts):
            return set().union(*(ends(part, line, at) for part in parts))
        case And(parts):
            return set.intersection(*(ends(part, line, at) for part in parts))


expressions = some.recursive(
    some.sampled_from(["a", "b", " ", ".", "[^a]", r"\b", r"\B", "^", "$", "()"]),
    lambda inner: some.one_of(
        some.builds("({}{})".format, inner, inner),
        some.builds("({}|{})".format, inner, inner),
        some.builds("({}&{})".format, inner, inner),
        some.builds("~({})".format, inner),
        some.builds("({}){}".format, inner, some.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}"])),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(expressions)
def test_any_expression_accepts_what_it_matches_by_definition(text):
    term = read_regex(text)
    assert accepted(text) == [line for line in LINES if len(line) in ends(term, line, 0)]


def test_characters_that_nothing_tells_apart_are_one():
    assert len(representatives([read_regex("[a-c]x|[^a-c]")])) == 4  # a to c, x, other word characters, others
    assert len(representatives([read_regex(".")])) == 2
