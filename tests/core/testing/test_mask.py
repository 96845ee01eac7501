"""MaskContract passes what is right and names the clause that each wrong mask builder breaks."""

import pytest

from . import mask_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(mask_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestLeaks", "test_isolates_views_as_declared", "crosses; declare isolates_views = False"),
        (
            "TestNotPlain",
            "test_plain_block_causal_as_declared",
            "(layer, row, query, key) [0, 0, 6, 0] differs",
        ),
        (
            "TestUndeclaredLayers",
            "test_by_layer_as_declared",
            "layer 1 differs from layer 0; declare by_layer = True",
        ),
        (
            "TestAdditive",
            "test_returns_bool_that_broadcasts[1]",
            "returned torch.float32: additive masks are the core's work",
        ),
        ("TestHeadAxis", "test_returns_bool_that_broadcasts[5]", "does not broadcast to (5, 17, 17)"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
