"""DistanceContract passes what is right and names the clause that each wrong distance breaks."""

import pytest

from . import distance_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(distance_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestWrongSign", "test_descent_brings_the_prediction_closer", "is the sign wrong?"),
        ("TestMeanOverPairs", "test_returns_one_number_a_pair[7]", "returned shape (), not 'n'"),
        ("TestRootOfZero", "test_is_finite[float32]", "gradient at predicted is not finite in row [0, 2]"),
        ("TestDetachedTarget", "test_gradient_reaches_both_sides", "no gradient reaches target"),
        ("TestCentredOverTheBatch", "test_decomposable_pairs_stand_alone", "declare decomposable = False"),
        ("TestUndeclaredNeed", "test_declares_valid_values", "takes ['entity_ids'] without a default"),
        (
            "TestNeedThatItDoesNotTake",
            "test_declares_valid_values",
            "needs ['entity_ids'], and takes no such",
        ),
        ("TestNeedWithoutAnExample", "test_is_finite[float32]", "['bank']: override make_needs(n)"),
        ("TestLooseParameters", "test_parameters_belong_to_a_module", "has parameters in ['head']"),
        ("TestNotOfNone", "test_returns_one_number_a_pair[0]", "of one pair, and of none, too"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
