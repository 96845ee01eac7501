"""Scorers by name."""

from __future__ import annotations

import pytest

from jepa_core.errors import ComponentError
from jepa_plugins.text.scoring.scorers import PLAIN, WITH_OPTIONS, make_scorer


@pytest.mark.parametrize("name", [*PLAIN, "regex_equivalence"])
def test_each_judges_an_answer(name):
    found, score = make_scorer(name)
    assert found == name
    assert score("#### 1", "#### 1", "a question")
    assert not score("#### 2", "#### 1", "a question")


def test_options_go_to_the_scorer():
    name, score = make_scorer({"name": "regex_equivalence", "seconds": 1.25})
    assert (name, score._process.seconds) == ("regex_equivalence", 1.25)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("exakt", "unknown scorer 'exakt'; did you mean 'exact'"),
        ("bleu", "unknown scorer 'bleu'; there are exact, first_line"),
        ({"seconds": 1}, "unknown scorer None"),
        ({"name": "regex_equivalence", "second": 1}, "'second'.*; did you mean 'seconds'"),
        ({"name": "exact", "seconds": 1}, "unknown option 'seconds' of the scorer 'exact'"),
        ("sql_execution", "needs 'databases'"),
        ({"name": "regex_equivalence", "seconds": -1}, "must be above 0"),
        ({"name": "regex_equivalence", "seconds": "two"}, "scorer 'regex_equivalence'"),
    ],
)
def test_mistakes_are_told(wanted, message):
    with pytest.raises(ComponentError, match=message):
        make_scorer(wanted)


def test_their_names_are_known():
    assert {*PLAIN, *WITH_OPTIONS} == {
        "exact", "first_line", "starts_with", "contains", "number", "regex_equivalence", "sql_execution",
    }  # fmt: skip
