from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts import bounds
from jepa_plugins.facts import parse as parse_module
from jepa_plugins.facts.parse import ItemParser
from tests.plugins.facts.specimen import TOKENS, item

PARSER = ItemParser("train.json", TOKENS, ("train", "atomic"))
GOOD = item([1, 2], 10, [3], "train")


def refusal(wrong: object) -> str:
    """The message for this item after two right ones."""
    with pytest.raises(DataError) as error:
        PARSER([GOOD, GOOD, wrong])
    message = str(error.value)
    assert message.startswith("train.json: item 2: ")
    return message.removeprefix("train.json: item 2: ")


def test_rows_and_roles_by_hand():
    facts, types = PARSER([GOOD, item([0], 11, [4, 5, 6], "atomic")])
    assert facts.ids.tolist() == [[1, 2, 10, 9, 3, 12], [0, 11, 9, 4, 5, 6]]
    assert facts.tags.tolist() == [[1, 1, 2, 3, 4, 0], [1, 2, 3, 4, 4, 4]]
    assert types.tolist() == [0, 1]


def test_an_empty_list_is_no_fact():
    facts, types = PARSER([])
    assert facts.ids.shape == (0, 0)
    assert len(types) == 0


def test_what_is_no_list():
    with pytest.raises(DataError, match=r'train.json: expected a list of facts, not \{"a": 1\}'):
        PARSER({"a": 1})


@pytest.mark.parametrize("wrong", [None, 3, "text", [[1], [10], [9]]])
def test_what_is_no_object(wrong):
    assert "expected an object with input_text, target_text and type" in refusal(wrong)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"input_text": None}, "input_text: expected [[head ids], [relation id], [mask id]], not null"),
        (
            {"input_text": [[1], [10]]},
            "input_text: expected [[head ids], [relation id], [mask id]], not [[1], [10]]",
        ),
        ({"input_text": "abc"}, "input_text: expected"),
        ({"input_text": {"a": 1, "b": 2, "c": 3}}, "input_text: expected"),
        ({"target_text": [[1], [2]]}, "target_text: expected [[tail ids]], not [[1], [2]]"),
        ({"target_text": []}, "target_text: expected [[tail ids]], not []"),
        ({"input_text": [1, [10], [9]]}, "input_text[0]: expected a list of token ids for the head, not 1"),
        ({"input_text": [[], [10], [9]]}, "input_text[0]: the head is empty: expected at least one token id"),
        ({"target_text": [[]]}, "target_text[0]: the tail is empty"),
        (
            {"input_text": [[1], [10, 11], [9]]},
            "input_text[1]: expected one token id for the relation, not [10, 11]",
        ),
        (
            {"input_text": [[1], [10], [9, 9]]},
            "input_text[2]: expected one token id for the mask, not [9, 9]",
        ),
        ({"input_text": [[1], [10], [8]]}, "input_text[2]: expected [9], the id of <mask>, not [8]"),
        ({"input_text": [[1, 9], [10], [9]]}, "input_text[0]: expected the head's own tokens only"),
        ({"input_text": [[1], [9], [9]]}, "input_text[1]: expected the relation's own tokens only"),
        (
            {"target_text": [[1, 12]]},
            "target_text[0]: expected the tail's own tokens only, not <mask> (9) or <pad>",
        ),
        ({"target_text": [[13]]}, "target_text[0]: expected token ids of vocab.json (0 to 12), not 13"),
        ({"target_text": [[-1]]}, "target_text[0]: expected token ids of vocab.json (0 to 12), not -1"),
        ({"target_text": [[True]]}, "target_text[0]: expected token ids of vocab.json (0 to 12), not true"),
        ({"target_text": [[1.0]]}, "target_text[0]: expected token ids of vocab.json (0 to 12), not 1.0"),
        ({"target_text": [["1"]]}, 'target_text[0]: expected token ids of vocab.json (0 to 12), not "1"'),
        ({"target_text": [[[1]]]}, "target_text[0]: expected token ids of vocab.json (0 to 12), not [1]"),
        (
            {"target_text": [[2**70]]},
            f"target_text[0]: expected token ids of vocab.json (0 to 12), not {2**70}",
        ),
        ({"type": "test"}, 'type: expected "train" or "atomic", not "test"'),
        ({"type": 0}, 'type: expected "train" or "atomic", not 0'),
        ({"type": ["train"]}, 'type: expected "train" or "atomic", not ["train"]'),
    ],
)
def test_each_mistake_is_said_with_item_and_field(changes, expected):
    assert refusal({**GOOD, **changes}).startswith(expected)


@pytest.mark.parametrize("field", ["input_text", "target_text", "type"])
def test_a_missing_field(field):
    message = refusal({key: value for key, value in GOOD.items() if key != field})
    assert message.startswith(f"{field}: expected ")
    assert message.endswith(", it is missing")


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 14), st.floats(), st.sampled_from(["", "train", "<r>"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(list(GOOD)), inner)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(JUNK, st.tuples(st.sampled_from(list(GOOD)), JUNK)))
def test_whatever_is_in_an_item_it_is_parsed_or_named(junk):
    """The check of all items at once and that of one never disagree."""
    wrong = {**copy.deepcopy(GOOD), junk[0]: junk[1]} if isinstance(junk, tuple) else junk
    message = None
    try:
        facts, _ = PARSER([GOOD, wrong])
    except DataError as error:
        message = str(error)
    assert message.startswith("train.json: item 1: ") if message else len(facts) == 2


def test_the_culprit_among_many_is_found():
    tokens = {**TOKENS, **{f"<v_{i}>": i for i in range(13, 20_000)}}
    items = [item([i % 9], 10, [i + 13], "train") for i in range(19_000)]
    items[18_500] = item([0], 10, [20_000], "train")
    with pytest.raises(DataError, match=r"item 18500: target_text\[0\]: .* \(0 to 19999\), not 20000"):
        ItemParser("train.json", tokens, ("train",))(items)


def test_a_fact_that_is_too_long_and_more_than_fit_into_memory(monkeypatch):
    """All are padded to the longest."""
    parse = ItemParser("train.json", TOKENS, ("train",))
    short, long = item([0], 10, [1], "train"), item([0] * 4, 10, [1, 2, 3], "train")
    monkeypatch.setattr(parse_module, "LONGEST_FACT", 8)
    with pytest.raises(DataError, match=r"^train\.json: item 7: expected a fact of at most 8 tokens, it has 9$"):
        parse([short, short, long], 5)
    monkeypatch.setattr(parse_module, "LONGEST_FACT", 9)
    monkeypatch.setattr(bounds, "MOST_PLACES", 26)
    assert len(parse([short, long])[0]) == 2
    with pytest.raises(DataError, match=r"^train\.json: 3 facts, the longest of 9 tokens, are too many for memory"):
        parse([short, short, long])
