"""Reading expressions, and refusing some with the place."""

from __future__ import annotations

import re
import string

import pytest

from jepa_plugins.text.scoring.regex_syntax import read_regex
from jepa_plugins.text.scoring.regex_terms import EMPTY, At, Chars, RegexError


@pytest.mark.parametrize(
    ("text", "the_same"),
    [
        ("a|b&cd", "a|(b&(cd))"),
        ("ab*", "a(b*)"),
        ("~ab", "(~a)b"),
        ("~a*", "(~a)*"),
        ("~~a", "a"),
        ("(?:ab)c", "abc"),
        ("a{2,}", "aaa*"),
        ("a{2}", "aa"),
        ("a{1,3}", "a{1}a{0,2}"),
        ("[a-c]", "[abc]"),
        ("[a\\-c]", "[-ac]"),
        ("[-a]", "[a-]"),
        (r"\d", "[0-9]"),
        (r"[\dx]", "[0-9x]"),
        (r"\.", "[.]"),
        (r"a\&b", "a[&]b"),
    ],
)
def test_two_ways_to_write_one_term(text, the_same):
    assert read_regex(text) == read_regex(the_same)


def test_single_things():
    assert read_regex("") == read_regex("()") == EMPTY
    assert read_regex(r"\b") == At("edge")
    assert read_regex(r"\W") == Chars(frozenset(string.ascii_letters + string.digits + "_"), negated=True)
    assert read_regex(r"\n") == Chars(frozenset("\n"))
    assert read_regex("[^a]") == Chars(frozenset("a"), negated=True)
    assert "é" in read_regex(".")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(ab", "character 1: '(' is not closed"),
        ("ab)", "character 3: unexpected ')'"),
        ("a[bc", "character 2: '[' is not closed"),
        ("*a", "character 1: nothing to repeat before '*'"),
        ("a|+", "character 3: nothing to repeat before '+'"),
        ("a{,2}", "character 2: nothing to repeat before '{'"),
        ("a\\", "character 3: unexpected end"),
        ("a~", "character 3: unexpected end"),
        ("[z-a]", "character 5: bad range up to 'a'"),
        ("a{3,2}", "character 2: bad count {3,2}"),
        ("a{9999}", "character 2: bad count {9999}"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(RegexError, match=f"^{re.escape(message)}$"):
        read_regex(text)
