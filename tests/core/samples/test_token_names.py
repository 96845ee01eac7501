from __future__ import annotations

import json

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.vocabulary import Vocabulary, pred_names
from tests.support import vocabulary as make_vocabulary

PLAIN = make_vocabulary({"a": 0, "<mask>": 1, "<r>": 2, "<r_inv>": 3, "<pad>": 5}, (2, 3), 1, 5, inverse_ids=(3, 2))


@pytest.mark.parametrize(
    ("k", "distinct", "names"),
    [
        (0, False, []),
        (0, True, []),
        (1, False, ["<PRED>"]),
        (3, False, ["<PRED>"]),
        (3, True, ["<PRED>", "<PRED_2>", "<PRED_3>"]),
    ],
)
def test_names_of_the_predictors(k, distinct, names):
    assert pred_names(k, distinct) == names


def test_missing_predictors_get_the_next_ids():
    vocabulary = PLAIN.with_predictors(2, distinct=True)
    assert vocabulary.pred_ids == (6, 7)
    assert vocabulary.size == 8
    assert PLAIN.size == 6


def test_a_predictor_that_is_there_is_used():
    named = make_vocabulary({**PLAIN.token_to_id, "<PRED>": 4}, (2, 3), 1, 5)
    assert named.with_predictors(0, False).pred_ids == ()
    assert named.with_predictors(3, False).pred_ids == (4,)
    assert named.with_predictors(2, True).pred_ids == (4, 6)


def test_json_and_back():
    vocabulary = PLAIN.with_predictors(1, False)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary
    with pytest.raises(DataError, match="not a saved vocabulary: 'token_to_id'"):
        Vocabulary.from_json({})


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_to_id": ["a"]},
        {"token_to_id": {"a": "1"}},
        {"token_to_id": {"a": 10**12}},
        {"token_to_id": {}},
        {"pad_id": None},
        {"pred_ids": ["x"]},
        {"pred_ids": 3},
    ],
)
def test_what_was_never_saved_is_refused(wrong):
    with pytest.raises(DataError, match="not a saved vocabulary: "):
        Vocabulary.from_json(PLAIN.to_json() | wrong)
    for data in ([], "x", None):
        with pytest.raises(DataError, match="not a saved vocabulary: "):
            Vocabulary.from_json(data)


def test_names_of_ids():
    assert (PLAIN.name(3), PLAIN.name(4), PLAIN.first_relation_token_id) == ("<r_inv>", "<id 4>", 2)
