"""Evaluation against a slow loop over samples."""

from __future__ import annotations

import pytest
import torch

from jepa_core.evaluation import ranks
from jepa_core.evaluation.evaluate import evaluate
from jepa_core.evaluation.ranks import score_tokens
from jepa_core.evaluation.splits import evaluate_splits
from jepa_core.recipe.schema import EvaluationSection
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.reference.naive_metrics import naive_metrics
from tests.support import SAMPLES, small_model, small_objective, small_set


@pytest.mark.parametrize("batch_size", [2, 512])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_equals_the_loop_over_samples(kind, batch_size):
    model = small_model(kind, seed=3).eval()
    ours = evaluate(small_objective(model), small_set(), batch_size)
    expected = naive_metrics(model, SAMPLES)
    assert set(expected) | {"jepa_loss"} == set(ours)
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, rel=1e-5), name


def test_every_layer_through_the_final_norm_and_head():
    model = small_model(seed=3).eval()
    ours = evaluate(small_objective(model), small_set(), per_layer=True)
    assert list(ours["layers"]) == ["0", "1", "2"]
    for layer in range(3):
        expected = naive_metrics(
            model,
            SAMPLES,
            layer=layer,
            final_norm=model.base_model.ln_f,
            lm_head=model.get_output_embeddings(),
        )
        for name, value in expected.items():
            assert ours["layers"][str(layer)][name] == pytest.approx(value, rel=1e-5), (layer, name)
    assert ours["layers"]["2"]["mrr"] == ours["mrr"]


def test_jepa_loss_is_null_where_no_pair_counts():
    objective = small_objective(small_model())
    atomic = [sample for sample in SAMPLES if sample[4] == "atomic"]
    assert evaluate(objective, small_set(atomic))["jepa_loss"] is None
    train = [sample for sample in SAMPLES if sample[4] == "train"]
    out = objective.eval()(**small_set(train).__getitems__(range(len(train))))
    assert evaluate(objective, small_set(), batch_size=2)["jepa_loss"] == pytest.approx(float(out.jepa_loss))


@pytest.mark.parametrize(("rate", "measured"), [(0.0, True), (0.999, True), (1.0, False)])
def test_a_distance_that_nothing_was_ever_trained_for_is_no_figure(rate, measured):
    """A filter that drops some pairs in training is ignored in evaluation; one that drops all leaves no figure."""
    objective = small_objective(small_model(), filters=(SampleTypeFilter(), LossDropout(rate)))
    assert (evaluate(objective, small_set())["jepa_loss"] is not None) == measured


def test_ranks_by_hand(monkeypatch):
    """Ties count half: the label ties with one other and two are better, so 1 + 2 + 1/2."""
    logits = torch.tensor([[5.0, 3.0, 3.0, 4.0], [0.0, 9.0, 1.0, 2.0], [7.0, 7.0, 7.0, 7.0]])
    monkeypatch.setattr(ranks, "CHUNK", 8)  # two rows at a time
    scores = score_tokens(lambda states: states, logits, torch.tensor([1, 1, 0]), vocab=4)
    assert scores.rank.tolist() == [3.5, 1.0, 2.5]
    assert scores.log_p.tolist() == pytest.approx(logits.log_softmax(-1)[range(3), [1, 1, 0]].tolist(), abs=1e-6)


def test_what_is_no_number_ranks_last():
    """NaN for the label: last of four, whatever the others are; NaN for another: it counts as better."""
    nan, inf = float("nan"), float("inf")
    logits = torch.tensor([[nan, 1.0, 2.0, 0.0], [nan, nan, nan, nan], [3.0, nan, 1.0, 5.0], [inf, 1.0, inf, -inf]])
    scores = score_tokens(lambda states: states, logits, torch.tensor([0, 2, 0, 0]), vocab=4)
    assert scores.rank.tolist() == [4.0, 4.0, 3.0, 1.5]
    assert not scores.log_p.isfinite().any()


def test_a_broken_model_scores_nothing():
    """Its rank is as good as none: 1 / 40, where 40 tokens could have been said."""
    model = small_model()
    with torch.no_grad():
        model.base_model.ln_f.weight[0] = float("nan")
    found = evaluate_splits(small_objective(model), {"train": small_set()}, EvaluationSection(splits=["train"]))[
        "train"
    ]
    assert (found["mrr"], found["hits@1"], found["joint_accuracy"]) == (pytest.approx(1 / 40), 0.0, 0.0)
    assert (found["ntp_loss"], found["jepa_loss"], found["joint_log_likelihood"]) == (None, None, None)
    assert found["non_finite"] == {"tokens": 9, "of": 9, "figures": ["ntp_loss", "jepa_loss", "joint_log_likelihood"]}


def test_the_mode_of_the_objective_is_left_as_it_was():
    objective = small_objective(small_model()).train()
    evaluate(objective, small_set())
    assert objective.training
