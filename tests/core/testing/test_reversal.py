"""ReversalContract passes what is right and names the clause that each wrong reversal strategy breaks."""

import pytest

from . import reversal_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(reversal_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        (
            "TestLeftPadded",
            "test_new_blocks_are_right_padded",
            "padding before a real token in row [0, 1, 2, 4]",
        ),
        (
            "TestInventsTokens",
            "test_new_blocks_keep_to_the_vocabulary",
            "token id [16015, 16016, 16017, 16018, 16016] is not in",
        ),
        ("TestEmptyPart", "test_views_have_tokens", "no token in row [1]"),
        ("TestPartOfTheBatch", "test_has_a_row_for_each_sample[5]", "not {'b': 5, 's': 8}"),
        ("TestTupleOfTensors", "test_returns_pairs_of_views", "returned tuple"),
        ("TestLeaksOnNothingKnown", "test_declares_valid_values", "['atomics'] is none of train, atomic"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
