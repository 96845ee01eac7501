"""Terms that mean the same and are found out at once are the same term."""

from __future__ import annotations

from jepa_plugins.text.scoring.regex_terms import (
    ANY,
    EMPTY,
    EVERYTHING,
    NOTHING,
    Cat,
    Chars,
    Or,
    both,
    cat,
    either,
    negate,
    repeat,
    star,
)

A, B, C = (Chars(frozenset(char)) for char in "abc")


def test_one_after_another():
    assert cat(cat(A, B), C) == cat(A, cat(B, C)) == Cat(A, Cat(B, C))
    assert cat(EMPTY, A) == cat(A, EMPTY) == A
    assert cat(NOTHING, A) == cat(A, NOTHING) == NOTHING
    assert cat(EVERYTHING, EVERYTHING) == EVERYTHING
    assert cat(EVERYTHING, cat(EVERYTHING, A)) == cat(EVERYTHING, A)


def test_repeated():
    assert star(ANY) == star(EVERYTHING) == EVERYTHING
    assert star(star(A)) == star(A)
    assert star(NOTHING) == star(EMPTY) == EMPTY
    assert repeat(A, 2, 2) == Cat(A, A)
    assert repeat(A, 1, None) == Cat(A, star(A))
    assert repeat(A, 0, 2) == either([EMPTY, cat(A, either([EMPTY, A]))])
    assert repeat(A, 0, 0) == EMPTY


def test_sets_of_parts():
    assert either([A, either([B, A])]) == either([B, A]) == Or(frozenset({A, B}))
    assert either([A, EVERYTHING]) == EVERYTHING
    assert either([A, NOTHING]) == either([A]) == A
    assert either([]) == NOTHING
    assert both([A, both([B, A])]) == both([B, A])
    assert both([A, EVERYTHING]) == both([A]) == A
    assert both([A, NOTHING]) == NOTHING
    assert both([]) == EVERYTHING
    assert negate(negate(A)) == A


def test_equal_terms_have_equal_hashes():
    one, two = cat(either([A, B]), star(C)), cat(either([B, A]), star(C))
    assert one is not two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1
