"""RegularizerContract passes what is right and names the clause that each wrong regularizer breaks."""

import pytest

from . import regularizer_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(regularizer_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestNoWeight", "test_declares_valid_values", "weight = 0.0: must be a number above 0"),
        ("TestOfNoSide", "test_declares_valid_values", "of_side = 'source'"),
        ("TestNotOfOne", "test_returns_a_scalar[1]", "not finite for 1 embeddings"),
        ("TestDetached", "test_returns_a_scalar[64]", "cut off from the embeddings"),
        ("TestRewardsCollapse", "test_collapse_costs", "collapsed embeddings are not punished"),
        ("TestWrongSign", "test_descends", "a small step downhill goes up"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
