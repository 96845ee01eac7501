"""Comparisons of two texts, by hand."""

from __future__ import annotations

import pytest

from jepa_plugins.text.scoring.strings import contains, exact, first_line, starts_with

ALL = {"exact": exact, "first_line": first_line, "starts_with": starts_with, "contains": contains}


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        ("a+", "a+", "exact first_line starts_with contains"),
        (" a+ \n", "a+", "exact first_line starts_with contains"),
        ("a+\nlines with", "a+", "first_line starts_with contains"),
        ("a+a+", "a+", "starts_with contains"),
        ("it is a+", "a+", "contains"),
        ("a", "a+", ""),
        ("A+", "a+", ""),
        ("", "a+", ""),
        ("one\ntwo\nthree", "one\ntwo", "first_line starts_with contains"),
        ("one\r\ntwo", "one\ntwo", "first_line"),
        ("one", "one\ntwo", ""),
        ("", "", "exact first_line starts_with contains"),
        ("a", " ", ""),
    ],
)
def test_who_calls_it_right(answer, expected, right):
    assert " ".join(name for name, compare in ALL.items() if compare(answer, expected)) == right


def test_a_wrong_one_has_a_reason():
    assert [bool(compare("b", "a").why) for compare in ALL.values()] == [True] * 4
    assert exact("a", "a").why == ""
