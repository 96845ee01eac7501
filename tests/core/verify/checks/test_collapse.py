"""NaN, collapse, and a term that does not pull."""

from __future__ import annotations

import pytest
import torch

from jepa_core.verify.checks.baseline import LIMIT
from jepa_core.verify.checks.collapse import health
from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import verify
from jepa_plugins.cosine_distance import CosineDistance
from jepa_plugins.last_token import LastToken
from jepa_plugins.mse_distance import MseDistance
from tests.core.verify.breaking import lines, red, tiny

CHECK = "health"
FINITE = (CHECK, "tensors with NaN or infinity")
COLLAPSED = {(CHECK, f"{side} embeddings differ") for side in ("predicted", "target")}


class NanDistance(CosineDistance):
    def __call__(self, predicted, target):
        return super().__call__(predicted, target) * float("nan")


class NanGradient(MseDistance):
    """Finite as a loss: √0 of what is 0, added."""

    def __call__(self, predicted, target):
        return super().__call__(predicted, target) + ((predicted - predicted).square().sum(dim=-1)).sqrt()


@pytest.mark.parametrize("distance", [NanDistance(), NanGradient()])
def test_not_finite(distance):
    found = verify(tiny(distance=distance))
    assert {FINITE} <= lines(found, Verdict.FAIL) <= {FINITE, ("baseline", LIMIT)}  # 1e-12 times NaN is NaN
    reasons = {row.evidence for row in found.rows if row.check in ("layouts agree", "denominators")}
    assert all("not finite (see health)" in reason for reason in reasons)


def test_collapsed_embeddings_are_warned_of():
    class Alike(LastToken):
        def __call__(self, hidden, valid, tags):
            return 1 + 1e-3 * super().__call__(hidden, valid, tags)

    found = verify(tiny(embedding=Alike()))
    assert lines(found, Verdict.WARN) == COLLAPSED
    assert lines(found, Verdict.FAIL) == set()
    (row,) = [row for row in found.rows if row.name == "target embeddings differ"]
    assert row.figure == pytest.approx(1, abs=1e-4)


def test_only_the_collapsed_side_is_warned_of():
    class Line(LastToken):
        """All on one line, to both sides of the origin: the mean cosine says nothing, the rank does."""

        def __call__(self, hidden, valid, tags):
            found = super().__call__(hidden, valid, tags)
            return found[:, :1] * torch.ones_like(found)

    found = verify(tiny(embedding=(LastToken(), Line()), distance=MseDistance()))
    assert lines(found, Verdict.WARN) == {(CHECK, "target embeddings differ")}


def test_a_term_that_trains_nothing():
    class Detached(LastToken):
        def __call__(self, hidden, valid, tags):
            return super().__call__(hidden, valid, tags).detach() + 0 * hidden.sum()

    assert red(tiny(embedding=Detached())) == {(CHECK, "the JEPA term pulls at the model")}


def test_without_weight_on_jepa_there_is_nothing_to_see():
    rows = {row.name: row for row in health(tiny("objective.lambda_jepa=0", "objective.k=0"))}
    assert rows["the NTP term pulls at the model"].verdict is Verdict.PASS
    for name in (
        "predicted embeddings differ",
        "the JEPA term pulls at the model",
        "cosine of the two terms' gradients",
    ):
        assert rows[name].verdict is Verdict.NA
        assert rows[name].evidence == "lambda_jepa is 0: no second view is made"
