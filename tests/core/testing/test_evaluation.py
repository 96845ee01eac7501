"""EvaluationContract passes what is right and names the clause that each wrong evaluation breaks."""

import pytest

from . import evaluation_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(evaluation_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestNothing", "test_figures_are_plain", "there is no figure"),
        ("TestATensor", "test_figures_are_plain", "is of type Tensor; expected a number, list or mapping"),
        ("TestMeanOfMeans", "test_batches_do_not_matter", "in batches of 4 and"),
        ("TestAFigureForEveryBatch", "test_batches_do_not_matter", "another batch size gives other figures"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
