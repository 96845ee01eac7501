from __future__ import annotations

import pytest

from jepa_core.recipe.cautions import cautions

TEXT = "seed: 1\ntraining:\n  warmup_steps: 50\n"


@pytest.mark.parametrize(("steps", "told"), [(8, True), (50, True), (51, False), (None, False)])
def test_a_warm_up_that_the_run_does_not_outlast(load, steps, told):
    """The rate of the last step, the 50th, would be 49 / 50 of its peak."""
    words = f"warning: r.yaml:3: training.warmup_steps: 50 steps of warm-up in a run of {steps}: the learning rate"
    found = cautions(load(TEXT), steps)
    assert len(found) == told
    assert not told or found[0].startswith(words)


def test_without_a_warm_up_nothing_is_told(load):
    assert cautions(load("seed: 1"), 1) == []
