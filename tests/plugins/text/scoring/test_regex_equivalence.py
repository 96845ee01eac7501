"""The scorer: what counts as equal, wrong, or the data's own fault."""

from __future__ import annotations

import pytest

from jepa_core.errors import ComponentError
from jepa_plugins.text.scoring import regex_equivalence
from jepa_plugins.text.scoring.regex_equivalence import RegexEquivalence


@pytest.fixture(scope="module")
def score():
    return RegexEquivalence(seconds=1.5)


def test_other_words_for_the_same_lines(score):
    assert score(" (dog|truck).* ", "(truck|dog).*")
    assert score(r"~(.*\bdog\b.*)", r"~((.*)(\bdog\b)(.*))")
    assert score("dog.*", ".*dog").why == "it describes other lines"


def test_describing_no_line_is_not_right_by_itself(score):
    assert score("[0-9]&[a-z]", "(dog)&(.)").why == "both describe no line, which says nothing"
    assert score("(dog)&(.) ", "(dog)&(.)"), "the same text"
    assert not score("[0-9]&[a-z]", "dog")


def test_an_unreadable_answer_is_wrong(score):
    found = score("(dog", "dog")
    assert (found.right, found.judged) == (False, True)
    assert "not closed" in found.why


def test_an_answer_without_end_is_wrong(score):
    assert "no result within" in score("(a|b)*a(a|b){30}", "a").why
    assert score("a", "(a)")


def test_an_unreadable_expected_answer_is_the_datas_fault(score):
    found = score("dog", "dog)")
    assert (found.right, found.judged) == (False, False)
    assert "unexpected ')'" in found.why
    assert score("dog)", "dog)"), "the same text needs no automaton"


def test_without_the_library_it_says_what_brings_it(monkeypatch):
    monkeypatch.setattr(regex_equivalence, "find_spec", lambda name: None)
    with pytest.raises(ComponentError, match=r"pip install 'jepa-core\[text\]'"):
        RegexEquivalence()
