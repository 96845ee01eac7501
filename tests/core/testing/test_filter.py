"""FilterContract passes what is right and names the clause that each wrong filter breaks."""

import pytest

from . import filter_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(filter_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestRevives", "test_never_revives_a_sample", "return eligible & …"),
        (
            "TestRevivesWhereNothingIsLeft",
            "test_never_revives_a_sample",
            "with no sample eligible it keeps some",
        ),
        ("TestHalfOfTheBatch", "test_any_split_decides_the_same", "in batches of 1 other samples are kept"),
        ("TestUnknownLevel", "test_declares_valid_values", "draws_per = 'batch': must be 'sample' or 'step'"),
        ("TestRandomNumbers", "test_draws_no_random_numbers", "randomness comes in as `draws`"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
