"""Health figures against numbers worked out by hand and a plain backward pass."""

from __future__ import annotations

import math
from dataclasses import astuple

import pytest
import torch

from jepa_core.evaluation.health import describe_collapse, effective_rank, mean_cosine, measure_health
from tests.support import SAMPLES, gradients, small_batch, small_model, small_objective

ATOMIC = [sample for sample in SAMPLES if sample[4] == "atomic"]


@pytest.mark.parametrize(
    ("rows", "rank"),
    [
        ([[3.0, 4.0], [6.0, 8.0], [-3.0, -4.0]], 1),  # one line
        ([[2.0, 0.0], [0.0, 2.0]], 2),
        # singular values 3 and 1: shares 3/4 and 1/4
        ([[3.0, 0.0], [0.0, 1.0]], math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4))),
    ],
)
def test_effective_rank_by_hand(rows, rank):
    assert effective_rank(torch.tensor(rows)) == pytest.approx(rank, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "cosine"),
    [
        ([[1.0, 0.0], [5.0, 0.0], [0.1, 0.0]], 1),
        ([[1.0, 0.0], [0.0, 3.0]], 0),
        ([[1.0, 0.0], [-2.0, 0.0]], -1),
        # 0, 1/√2 and 1/√2
        ([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], 2 / math.sqrt(2) / 3),
    ],
)
def test_mean_cosine_by_hand(rows, cosine):
    assert mean_cosine(torch.tensor(rows)) == pytest.approx(cosine, abs=1e-6)


@pytest.mark.parametrize("figure", [effective_rank, mean_cosine])
def test_nothing_to_measure(figure):
    assert figure(torch.empty(0, 4)) is None
    assert figure(torch.tensor([[1.0, math.nan], [1.0, 2.0]])) is None
    assert mean_cosine(torch.ones(1, 4)) is None
    assert effective_rank(torch.zeros(3, 4)) is None


@pytest.mark.parametrize("weights", [{"gamma_ntp": 1.0, "lambda_jepa": 1.0}, {"gamma_ntp": 0.5, "lambda_jepa": 3.0}])
def test_gradients_are_those_of_the_weighted_terms(weights):
    objective = small_objective(small_model(), **weights)
    ntp_only = small_objective(small_model(), lambda_jepa=0.0, gamma_ntp=weights["gamma_ntp"])
    whole, ntp = (flat(o, o(**small_batch()).loss) for o in (objective, ntp_only))
    jepa = whole - ntp
    health = measure_health(objective, small_batch())
    assert health.ntp_gradient_norm == pytest.approx(float(ntp.norm()), rel=1e-4)
    assert health.jepa_gradient_norm == pytest.approx(float(jepa.norm()), rel=1e-4)
    assert health.gradient_cosine == pytest.approx(float(ntp @ jepa / ntp.norm() / jepa.norm()), rel=1e-3)
    assert health.pairs == 3


def flat(objective, loss):
    return torch.cat([gradient.flatten().double() for gradient in gradients(objective, loss).values()])


def test_embeddings_are_the_counted_ones():
    objective = small_objective(small_model()).eval()
    plan = objective.plan(small_batch())
    ((predicted, target),) = objective.embeddings(plan, objective.hidden_states(plan))
    health = measure_health(objective, small_batch())
    assert (health.predicted_rank, health.target_rank) == (effective_rank(predicted), effective_rank(target))
    assert (health.predicted_cosine, health.target_cosine) == (mean_cosine(predicted), mean_cosine(target))
    assert 1 < health.target_rank <= 3


def test_without_a_pair_only_ntp_is_measured():
    health = measure_health(small_objective(small_model()), small_batch(ATOMIC))
    assert health.ntp_gradient_norm > 0
    assert astuple(health)[1:] == (None,) * 6 + (0,)


def test_without_labels_only_jepa_is_measured():
    batch = small_batch()
    health = measure_health(small_objective(small_model()), batch | {"labels": torch.full_like(batch["labels"], -100)})
    assert (health.ntp_gradient_norm, health.gradient_cosine) == (None, None)
    assert health.jepa_gradient_norm > 0


def test_a_gradient_that_is_not_finite_is_no_figure():
    health = measure_health(small_objective(small_model(), distance=lambda p, t: (p - t).sum(-1) / 0), small_batch())
    assert (health.jepa_gradient_norm, health.gradient_cosine) == (None, None)
    assert health.ntp_gradient_norm > 0


def test_it_leaves_everything_as_it_was():
    objective = small_objective(small_model(resid_pdrop=0.5)).train()
    objective(**small_batch()).loss.backward()
    objective.model.eval()
    before = [parameter.grad.clone() for parameter in objective.parameters()]
    with torch.no_grad():
        first = measure_health(objective, small_batch())
    assert objective.training
    assert measure_health(objective.eval(), small_batch()) == first, "the model's dropout is off"
    assert not objective.training
    assert not objective.model.training
    assert all(torch.equal(b, p.grad) for b, p in zip(before, objective.parameters(), strict=True))


def logged(rank: float, cosine: float, pairs: int = 64) -> dict[str, float]:
    """Figures of the log whose target side is healthy."""
    target = {"health_target_rank": 9.0, "health_target_cosine": 0.2, "health_pairs": pairs}
    return {"health_predicted_rank": rank, "health_predicted_cosine": cosine, **target}


def test_collapse_in_words():
    assert describe_collapse(logged(1.4987, 0.5)).startswith(
        "the embeddings have collapsed: predicted (effective rank 1.50, mean cosine 0.50000); bound: rank 1.5"
    )
    assert "predicted" in describe_collapse(logged(9.0, 0.99987))
    assert "target" not in describe_collapse(logged(1.2, 0.9999))


@pytest.mark.parametrize("figures", [logged(1.5, 0.999), logged(1.0, 1.0, pairs=3), {}, {"health_pairs": 64}])
def test_no_word_where_nothing_has_collapsed_or_nothing_can_be_told(figures):
    assert describe_collapse(figures) == ""
