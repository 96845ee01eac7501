from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts.inverses import find_inverses, named_relations, partner_name, stated_inverses
from jepa_plugins.facts.relations import Relations


def test_partner_names():
    assert partner_name("<r_3>") == "<r_3_inv>"
    assert partner_name("<r_3_inv>") == "<r_3>"


@given(st.text("abc_", min_size=1))
def test_the_partner_of_the_partner_is_the_name(text):
    assert partner_name(partner_name(f"<{text}>")) == f"<{text}>"


def test_names_decide_wherever_the_ids_stand():
    tokens = {"<a_inv>": 3, "<b>": 5, "<a>": 8, "<b_inv>": 9}
    assert find_inverses(tokens, {3, 5, 8, 9}, "vocab.json") == {3: 8, 8: 3, 5: 9, 9: 5}


def test_without_such_names_neighbours_pair_up_from_the_first_id_on():
    tokens = {f"<{name}>": i for i, name in enumerate("abcdefgh")}
    assert find_inverses(tokens, {3, 4, 5, 6}, "vocab.json") == {3: 4, 4: 3, 5: 6, 6: 5}
    assert find_inverses(tokens, {2, 3}, "vocab.json") == {2: 3, 3: 2}


@pytest.mark.parametrize("ids", [{1}, {1, 2, 3}, {1, 3}, {1, 2, 4, 5}])
def test_without_names_ids_that_do_not_pair_up_are_refused(ids):
    tokens = {f"<{name}>": i for i, name in enumerate("abcdefgh")}
    with pytest.raises(DataError, match=r"vocab.json: relations without an inverse: '<b>' \(1\)"):
        find_inverses(tokens, ids, "vocab.json")


def test_a_relation_without_an_inverse_is_named():
    tokens = {"<a>": 1, "<a_inv>": 2, "<b>": 3}
    with pytest.raises(DataError, match=r"vocab.json: relation '<b>' \(3\) has no inverse: expected .* '<b_inv>'"):
        find_inverses(tokens, {1, 2, 3}, "vocab.json")


def test_relations_are_told_by_their_names():
    assert named_relations({"<a>": 1, "<a_inv>": 2, "<b_inv>": 3, "<c>": 4}) == {1, 2}


def test_a_file_may_name_relations_with_and_without_brackets():
    tokens = {"<up>": 1, "<down>": 2, "<beside>": 3}
    relations = Relations(pairs=(("up", "<down>"),), symmetric=("beside",))
    assert stated_inverses(tokens, relations, "relations.yaml") == {1: 2, 2: 1, 3: 3}


def test_a_file_that_names_what_is_no_token():
    with pytest.raises(DataError, match=r"r.yaml: relation '<upp>' is no token .*; did you mean '<up>'\?"):
        stated_inverses({"<up>": 1}, Relations(symmetric=("<upp>",)), "r.yaml")
