"""PredictorContract passes what is right and names the clause that each wrong predictor breaks."""

import pytest

from . import predictor_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(predictor_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestNarrower", "test_returns_one_vector_a_pair[5]", "not {'n': 5, 'd': 8}"),
        ("TestCentredOverTheBatch", "test_pairs_stand_alone", "a pair by itself is predicted otherwise"),
        ("TestUnitLength", "test_is_finite[float32]", "not finite for states times 0"),
        ("TestAlwaysFloat", "test_is_finite[bfloat16]", "the state is torch.bfloat16 and the prediction torch.float32"),
        ("TestNeedsItInWords", "test_declares_valid_values", "needs_condition = 'always': must be True or False"),
        ("TestLooseParameters", "test_parameters_belong_to_a_module", "has parameters in ['scale']"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
