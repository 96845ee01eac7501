"""Every form's expression against lines judged by hand, and how pairs are divided."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.grammar import FORMS, KINDS, THINGS, Claim, Pair, claim, joined, negated, pairs, regex_pairs
from jepa_plugins.text.grammar import _Draws as Draws
from jepa_plugins.text.scoring.regex_machine import machine, representatives
from jepa_plugins.text.scoring.regex_syntax import read_regex

#: Of a digit and 'oak', three times: lines that each form's claim is true of, and lines that it is not.
EXAMPLES = {
    ".*{A}.*": (["7", "a7b"], ["", "oak"]),
    "{A}.*": (["7", "7b"], ["b7", ""]),
    ".*{A}": (["7", "b7"], ["7b", ""]),
    ".*{A}.*{B}.*": (["7oak", "a7b oak."], ["oak7", "7", "7 oa k"]),
    ".*{A}{B}.*": (["7oak", "oak7oak7"], ["7 oak", "oak7"]),
    "{A}.*{B}": (["7oak", "7 7oak"], ["7oak ", " 7oak", "7oa"]),
    ".*({A}.*){{{N},}}": (["123", "a1b2c3d4"], ["12", "a1b2"]),
    "({A})+": (["1", "1234"], ["", "12a"]),
    "({A}){{{N}}}": (["123"], ["12", "1234", "12a"]),
    ".{{{N},}}": (["abc", "abcd"], ["ab", ""]),
    r".*\b{A}\b.*": (["7", "a 7.b"], ["77", "a7", "_7"]),
}


def accepts(regex: str, line: str) -> bool:
    term = read_regex(regex)
    alphabet = representatives([term, *map(read_regex, [f"[{char}]" for char in set(line) | {"x"}])])
    return machine(term, alphabet).accepts_input(line)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.regex)
def test_what_a_form_means(form):
    regex = form.regex.format(A="[0-9]", B="oak", N=3)
    true_of, not_of = EXAMPLES[form.regex]
    assert [accepts(regex, line) for line in true_of] == [True] * len(true_of)
    assert [accepts(regex, line) for line in not_of] == [False] * len(not_of)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.regex)
def test_wordings_name_what_the_expression_has(form):
    for wording in form.wordings:
        assert ("{n}" in wording) == ("{N}" in form.regex)
        assert ("{b}" in wording) == ("{B}" in form.regex)
        assert ("{a}" in wording or "{as}" in wording) == ("{A}" in form.regex)
    assert len(set(form.wordings)) >= 2


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.one)
def test_things(thing):
    member = {"a digit": "7", "a vowel": "E", "a letter": "q", "a capital": "Q", "a small letter": "q", "a hyphen": "-"}
    line = member.get(thing.one) or thing.one.strip("'")
    assert accepts(thing.regex, line)
    assert not accepts(thing.regex, "+" if thing in KINDS else line[:-1])


def test_negated_and_joined():
    digit, oak = Claim("that begin with a digit", "[0-9].*"), Claim("that end with 'oak'", ".*oak")
    draws = Draws(0)
    assert negated(draws, digit).regex == "~([0-9].*)"
    both, either = joined(draws, "&", digit, oak), joined(draws, "|", digit, oak)
    lines = ["7 oak", "7", "oak", "x"]
    assert [accepts(both.regex, line) for line in lines] == [True, False, False, False]
    assert [accepts(either.regex, line) for line in lines] == [True, True, True, False]
    assert [accepts(negated(draws, digit).regex, line) for line in lines] == [False, False, True, True]
    assert digit.text in both.text
    assert " or" in either.text
    assert " or" not in both.text


def test_every_pair_can_be_read_and_descriptions_differ():
    made = list(itertools.islice(pairs(3), 2000))
    assert len({pair.text for pair in made}) == 2000
    for pair in made:
        read_regex(pair.regex)
        assert "{" not in pair.text
        assert pair.text.startswith("lines ")
    marks = Counter(mark for pair in made for mark in "&|~" if mark in pair.regex)
    assert min(marks[mark] for mark in "&|~") > 200


def test_one_description_has_one_expression():
    """Else the right answer could not be known."""
    meanings = {}
    draws = Draws(5)
    for _ in range(5000):
        made = claim(draws)
        assert meanings.setdefault(made.text, made.regex) == made.regex


def test_every_expression_describes_some_lines_and_not_all():
    for pair in itertools.islice(pairs(4), 150):
        term = read_regex(pair.regex)
        automaton = machine(term, representatives([term]))
        others = ~automaton
        assert not automaton.isempty(), pair
        assert not others.isempty(), pair


def contents(conversations):
    return [Pair(user["content"], assistant["content"]) for user, assistant in conversations]


@pytest.mark.parametrize("shared", [0.0, 0.25, 1.0])
def test_training_and_test(shared):
    train, test = map(contents, regex_pairs(seed=1, train=900, test=80, shared=shared))
    assert (len(train), len(test)) == (900, 80)
    assert len({pair.text for pair in train + test}) == 980
    assert len({pair.regex for pair in test}) == 80
    known = {pair.regex for pair in train}
    assert sum(pair.regex in known for pair in test) == round(shared * 80)


def test_the_same_seed_makes_the_same_pairs():
    assert regex_pairs(seed=7, train=50, test=5) == regex_pairs(seed=7, train=50, test=5)
    assert regex_pairs(seed=7, train=50, test=5) != regex_pairs(seed=8, train=50, test=5)
    first = regex_pairs(seed=7, train=50, test=5)[0][0]
    assert first == FIRST_OF_SEED_7
    assert regex_pairs(seed=7, train=1, test=0)[1] == []


FIRST_OF_SEED_7 = [
    {"role": "user", "content": "lines other than those that have a small letter and later 'fern'"},
    {"role": "assistant", "content": "~(.*[a-z].*fern.*)"},
]


@pytest.mark.parametrize("options", [{"train": 0}, {"test": -1}, {"shared": 1.5}, {"train": 10**6}])
def test_what_can_not_be(options):
    with pytest.raises(DataError, match="regex_pairs: train"):
        regex_pairs(**options)
