"""The vocabulary of facts, saved and read again."""

import json

import pytest

from jepa_core.errors import DataError
from jepa_core.samples.token_names import TokenNames
from jepa_plugins.facts.vocabulary import Vocabulary

TOKENS = {"a": 0, "<mask>": 1, "<r>": 2, "<r_inv>": 3, "<pad>": 5}
MADE = Vocabulary(token_to_id=TOKENS, pad_id=5, relation_ids=(2, 3), mask_id=1, inverse_ids=(3, 2))


def test_json_and_back():
    saved = json.loads(json.dumps(MADE.with_predictors(2, True).to_json()))
    assert Vocabulary.from_json(saved) == MADE.with_predictors(2, True)


def test_the_core_keeps_what_it_does_not_know():
    """A run's vocabulary is saved and loaded without this task's plugin."""
    loaded = TokenNames.from_json(json.loads(json.dumps(MADE.to_json())))
    assert type(loaded) is TokenNames
    assert Vocabulary.of(TokenNames.from_json(json.loads(json.dumps(loaded.to_json())))) == MADE
    assert Vocabulary.of(MADE) is MADE


def test_another_task_s_vocabulary_is_refused():
    with pytest.raises(DataError, match="not a vocabulary of facts: 'relation_ids'"):
        Vocabulary.of(TokenNames(token_to_id={"a": 0}, pad_id=0))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("relation_ids", [2, 10**9], "'1000000000' is the id of no token"),
        ("relation_ids", 3, "'int' object is not iterable"),
        ("inverse_ids", ["2"], "'2' is the id of no token"),
        ("inverse_ids", [2], "2 relations, 1 inverses"),
        ("mask_id", None, "'None' is the id of no token"),
        ("mask_id", [1], r"'\[1\]' is the id of no token"),
        ("pad_id", 10**9, "'1000000000' is the id of no token"),
    ],
)
def test_ids_of_no_token_are_refused(key, value, words):
    with pytest.raises(DataError, match=rf"^not a vocabulary of facts: {words}"):
        Vocabulary.from_json({**json.loads(json.dumps(MADE.to_json())), key: value})


def test_the_first_relation():
    assert MADE.first_relation_token_id == 2
