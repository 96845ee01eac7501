"""Second views that are not the reversed fact."""

from __future__ import annotations

import pytest

from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import verify
from jepa_core.views.pairs import NewBlock, Part, Views
from jepa_plugins.facts.check_reversal import parity_rule, reversal
from jepa_plugins.facts.reverse import fact_and_reverse
from jepa_plugins.facts.roles import Role
from tests.core.verify.breaking import lines, red, tiny

TWICE = ("reversal", "relations not given back by inverting twice")
NAMED = ("reversal", "relations whose inverse the vocabulary names otherwise")
PLACES = ("reversal", "facts whose head and tail did not change places")


class Turned:
    """Reversed facts, with another rule for relations: of the place among them, and how many there are."""

    leaks_on = ("atomic",)

    def __init__(self, first, count, rule):
        self.first, self.count, self.rule = first, count, rule

    def __call__(self, facts):
        return fact_and_reverse(facts, lambda ids: self.first + self.rule(ids - self.first) % self.count)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda place: place + 1, {TWICE, NAMED}),  # 0 → 1 → 2
        (lambda place: place + 1 - 2 * ((place + 1) % 2), {NAMED}),  # 0 ↔ 3, 1 ↔ 2: turned back, but the wrong pairs
    ],
)
def test_off_by_one(rule, expected):
    relations = tiny().run.vocabulary.relation_ids
    assert red(tiny(reversal=Turned(relations[0], len(relations), rule))) == expected


def test_a_second_view_that_is_not_reversed_is_pointed_at():
    """Warns only, as it may be meant so. Inverting twice gives the relation back."""

    class Backwards:
        def __call__(self, facts):
            ids = facts.ids.where(facts.tags != Role.RELATION, facts.ids)
            return Views(((Part(facts.valid), NewBlock(type(facts)(ids, facts.tags))),))

    found = verify(tiny(reversal=Backwards()))
    assert lines(found, Verdict.WARN) == {PLACES}
    assert lines(found, Verdict.FAIL) == {NAMED}


def test_views_inside_the_fact_have_nothing_to_reverse():
    class Halves:
        def __call__(self, facts):
            tail = facts.tags == Role.TAIL
            return Views(((Part(facts.valid & ~tail), Part(tail)),))

    (row,) = reversal(tiny(reversal=Halves()))
    assert (row.verdict, row.evidence) == (Verdict.NA, "it is no new block with one relation: nothing is turned round")
    assert red(tiny(reversal=Halves())) == set()


@pytest.mark.parametrize(
    ("relations", "inverses", "words"),
    [
        ([16001, 16002], [16002, 16001], "16001 on, which is odd: odd ids have their inverse at + 1, even ids at − 1"),
        ([16000, 16001], [16001, 16000], "16000 on, which is even: even ids have their inverse at + 1, odd ids at − 1"),
    ],
)
def test_the_rule_in_words(relations, inverses, words):
    assert parity_rule(relations, inverses) == f"2 relations from id {words}"


def test_a_table_in_words():
    assert parity_rule([7, 8, 9], [7, 9, 8]) == "3 relations by table: 7 → 7, 8 → 9, 9 → 8"


def test_facts_are_shown_with_names_and_ids():
    row = next(iter(reversal(tiny())))
    assert row.verdict is Verdict.PASS
    first = row.evidence.splitlines()[0]
    forward, backward = first.split("  →  ")
    assert forward.count("<r_") == backward.count("<r_") == 1
    assert forward.split()[0] == backward.split()[3], "the head, one token, is the tail"
