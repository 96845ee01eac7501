"""A JEPA term: predictors between source and target, and regularizers in the loss against a slow computation."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.draws import Draws
from jepa_core.verify.naive import naive_losses
from jepa_plugins.l2_distance import L2Distance
from jepa_plugins.linear_predictor import LinearPredictor
from jepa_plugins.variance_covariance import VarianceCovariance
from tests.support import SAMPLES, gradient_error, gradients, small_batch, small_model, small_objective, small_spec

SEED, LAST = 7, 254


class Spread:
    """A weighted sum of squares of differences from the mean, along directions that are drawn."""

    def __init__(self, weight: float, of_side: str):
        self.weight, self.of_side = weight, of_side

    def __call__(self, embeddings, draws):
        directions = draws.normal(embeddings.shape[1], 3)
        return ((embeddings - embeddings.mean(dim=0)) @ directions).square().sum()


def slow_spread(embeddings: torch.Tensor, step: int) -> torch.Tensor:
    """Number by number."""
    directions = Draws(SEED, step, torch.zeros(0, dtype=torch.int64), LAST).normal(embeddings.shape[1], 3)
    rows, total = list(embeddings), torch.zeros(())
    mean = sum(rows) / len(rows)
    for row in rows:
        for direction in directions.T:
            total = total + sum((x - m) * w for x, m, w in zip(row, mean, direction, strict=True)) ** 2
    return total


@pytest.mark.parametrize("of_side", ["predicted", "target", "both"])
@pytest.mark.parametrize("target", ["same", "stopped"])
def test_a_regularizer_in_the_loss(of_side, target):
    """Compares with the same objective without it; a regularizer gets all pairs of the batch together."""
    regularizer = Spread(0.3, of_side)
    options = {"target": target, "seed": SEED, "distance": L2Distance()}
    plain = small_objective(small_model(), 1, **options)
    objective = small_objective(small_model(), 1, regularizers=(("spread", regularizer),), **options)
    for step in (0, 5):
        out, without = objective(**small_batch(), step=step), plain(**small_batch(), step=step)
        plan = plain.plan(small_batch(), step)
        ((predicted, targets),) = plain.embeddings(plan, plain.hidden_states(plan))
        targets = targets.detach() if target == "stopped" else targets
        sides = {"predicted": [predicted], "target": [targets], "both": [predicted, targets]}[of_side]
        slow = sum(slow_spread(side, step) for side in sides)
        assert float(out.means["spread"]) == pytest.approx(slow.item(), rel=1e-5)
        assert out.terms["spread"].weight == 0.3
        assert out.loss.item() == pytest.approx(without.loss.item() + 0.3 * slow.item(), rel=1e-5)
        expected = gradients(plain, without.loss + 0.3 * slow)
        assert gradient_error(gradients(objective, out.loss), expected) < 1e-5
        assert out.jepa_loss.item() == pytest.approx(without.jepa_loss.item(), rel=1e-6)


def test_draws_of_a_regularizer_are_new_in_each_step_and_the_same_for_every_batch():
    seen = []

    class Keeps(Spread):
        def __call__(self, embeddings, draws):
            seen.append(draws.normal(4))
            return super().__call__(embeddings, draws)

    objective = small_objective(small_model(), seed=SEED, regularizers=(("keeps", Keeps(1.0, "target")),))
    batch = small_batch()
    for step, some in ((0, batch), (0, small_batch(SAMPLES[:3])), (1, batch)):
        objective(**some, step=step)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


def test_two_regularizers_and_the_naive_losses():
    several = (("spread", Spread(0.1, "predicted")), ("variance_covariance", VarianceCovariance(weight=2.0)))
    objective = small_objective(small_model().eval(), 2, seed=SEED, regularizers=several).eval()
    out, naive = objective(**small_batch()), naive_losses(objective, small_batch())
    assert list(out.terms) == ["ntp", "jepa", "spread", "variance_covariance"]
    assert naive.loss.item() == pytest.approx(out.loss.item(), rel=1e-5)
    assert gradient_error(gradients(objective, naive.loss), gradients(objective, out.loss)) < 1e-5


def test_without_a_pair_nothing_is_regularized():
    objective = small_objective(small_model(), regularizers=(("spread", Spread(1.0, "both")),))
    batch = small_batch()
    out = objective(**batch | {"group": torch.ones_like(batch["group"])})
    assert list(out.terms) == ["ntp"]


@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_a_linear_predictor_by_hand(layout):
    """The distance is of W h + b, and the gradient of W that of the formula."""
    predictor = LinearPredictor(32, bias=True)
    torch.nn.init.normal_(predictor.map.weight)
    torch.nn.init.normal_(predictor.map.bias)
    objective = small_objective(small_model(), 1, distance=L2Distance(), predictor=predictor, layout=layout)
    plain = small_objective(small_model(), 1, distance=L2Distance(), layout=layout)
    plan = plain.plan(small_batch())
    ((state, target),) = plain.embeddings(plan, plain.hidden_states(plan))
    expected = (state @ predictor.map.weight.T + predictor.map.bias - target).norm(dim=1).mean()
    out = objective(**small_batch())
    assert out.jepa_loss.item() == pytest.approx(expected.item(), rel=1e-5)
    ours, theirs = (torch.autograd.grad(loss, predictor.map.weight)[0] for loss in (out.loss, expected))
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_a_linear_predictor_starts_as_none():
    plain, objective = (small_objective(small_model(), predictor=p) for p in (None, LinearPredictor(32)))
    assert objective(**small_batch()).loss.item() == pytest.approx(plain(**small_batch()).loss.item(), rel=1e-6)


def test_candidates_that_nobody_lists():
    class Compares:
        needs = ("bank", "bank_index")

        def __call__(self, predicted, target, bank, bank_index):
            return predicted.sum(dim=-1)

    objective = JepaObjective(small_model(), small_spec(distance=Compares()))
    with pytest.raises(ComponentError, match="compares with all candidates, and the dataset lists none"):
        objective.plan(small_batch())
