"""The samples that checks share, and objectives in other layouts."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.verify.context import Context, gradient_difference, mode, relaid, spread
from tests.core.verify.breaking import Unusual, tiny


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, list(range(10))), (99, list(range(10)))]
)
def test_spread(count, chosen):
    assert spread(range(10), count) == chosen
    assert spread([], count) == []


def test_few_samples_of_every_type():
    context = tiny()
    assert context.few["group"].tolist() == [0, 0, 0, 1, 1, 2]
    assert context.counted_rows == list(range(40))
    assert context.other_rows == list(range(40, 50))
    assert Context(context.run, quick=True).few["group"].tolist() == [0, 1]
    assert len(context.batch["index"]) == 16


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["objective.lambda_jepa=0", "objective.k=0"], "lambda_jepa is 0: no second view is made"),
        (["objective.filters=[{name: sample_type, keep: [test]}]"], "of 50 training samples the filters leave none"),
        (["objective.filters.1.rate=1.0"], ""),  # they are dropped while training, and count otherwise
    ],
)
def test_why_nothing_counts(overrides, reason):
    assert tiny(*overrides).nothing_counts == reason


def test_mode_is_for_a_while():
    objective = tiny("objective.filters.1.rate=1.0").objective
    objective.model.eval()
    with mode(objective, filters=True):
        assert (objective.training, objective.model.training) == (True, False)
    with mode(objective, filters=False, dropout=True):
        assert (objective.training, objective.model.training) == (False, True)
    assert (objective.training, objective.model.training) == (True, False)


def test_another_layout_over_a_copy():
    context = tiny()
    packed = context.packed
    assert (context.objective.layout.name, packed.layout.name) == ("auto", "packed")
    out, ours = packed(**context.few), context.objective(**context.few)
    assert out.loss.item() == pytest.approx(ours.loss.item(), rel=1e-5)
    with torch.no_grad():
        packed.model.base_model.wte.weight.zero_()
    assert context.objective.model.base_model.wte.weight.any()
    with pytest.raises(ComponentError, match="does not declare itself"):
        relaid(tiny(mask=Unusual()).objective, "rows")


def test_gradient_difference_by_hand():
    theirs = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([4.0])}
    ours = {"a": torch.tensor([3.0, 0.3]), "b": torch.tensor([4.4])}
    assert gradient_difference(ours, theirs) == (pytest.approx(0.1), "b")
    assert gradient_difference(theirs, theirs)[0] == 0
