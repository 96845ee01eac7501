"""Calibration: a plain model is surer of what has an answer."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jepa_core.errors import ComponentError
from jepa_core.evaluation.evaluate import EvaluationContext
from jepa_core.testing import EvaluationContract
from jepa_plugins.facts.calibration import auc, calibration, unanswerable
from jepa_plugins.facts.task import fact_task
from tests.plugins.facts.test_plain_answers import taught
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_set, vocabulary

NAMES = {f"e{i}": i for i in range(16)} | {"<mask>": MASK_ID, **{f"r{i}": i for i in range(17, 23)}, "<pad>": PAD_ID}
VOCABULARY = replace(vocabulary(NAMES, tuple(range(17, 23)), MASK_ID, PAD_ID), inverse_ids=(18, 17, 20, 19, 22, 21))


def context(made=None, names=VOCABULARY, samples=SAMPLES):
    return EvaluationContext(made or taught(SAMPLES, 1), fact_task(small_set(samples), {}, names))


def test_what_a_fact_says_or_its_reverse_would_has_an_answer():
    """Eight entities, five relations; five questions are answered. The reverses: [3, 4] by 18, [6, 7, 8] by 17, 13 by
    19 and 15 by 20; that of [3, 4] by 22 asks by 21, which no fact has."""
    asked = {
        tuple(ids[valid].tolist())
        for ids, valid in zip(*(lambda s: (s.ids, s.valid))(unanswerable(context())), strict=True)
    }
    assert len(asked) == 8 * 5 - 5 - 4
    assert not asked & {(3, 4, 18, MASK_ID), (6, 7, 8, 17, MASK_ID), (13, 19, MASK_ID), (15, 20, MASK_ID)}
    assert {(5, 17, MASK_ID), (13, 20, MASK_ID)} <= asked


def test_as_a_slow_loop_over_questions():
    """The probability of the first token of the answer, one question at a time."""
    made = taught(SAMPLES, 8)

    @torch.no_grad()
    def sure(ids: list[int]) -> float:
        return float(made.model(input_ids=torch.tensor([ids])).logits[0, -1].double().softmax(dim=0).max())

    without = unanswerable(context())
    unsure = [sure(ids[valid].tolist()) for ids, valid in zip(without.ids, without.valid, strict=True)]
    told = [sure([*head, relation, mask]) for head, relation, mask, _, _ in SAMPLES]
    figures = calibration(context(made))("test", small_set(), 3)
    assert figures["calibration_sure"] == pytest.approx(sum(told) / 5, rel=1e-4)
    assert figures["calibration_sure_unanswerable"] == pytest.approx(sum(unsure) / len(unsure), rel=1e-4)
    pairs = sum((a > b) + (a == b) / 2 for a in told for b in unsure) / 5 / len(unsure)
    assert figures["calibration_auc"] == pytest.approx(pairs, abs=0.01)
    assert 0.5 < pairs < 1, "as a model that knows five facts is"
    assert made.model.training


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_auc_is_the_share_of_pairs(higher, lower):
    slow = sum((a > b) + (a == b) / 2 for a in higher for b in lower) / len(higher) / len(lower)
    assert auc(torch.tensor(higher).double(), torch.tensor(lower).double()) == pytest.approx(slow)


def test_data_that_can_not_be_compared_are_told():
    with pytest.raises(ComponentError, match="do not say which relation is the inverse"):
        calibration(context(names=replace(VOCABULARY, inverse_ids=())))
    everything = [([1], 17, MASK_ID, [2], "train"), ([2], 17, MASK_ID, [1], "train")]
    with pytest.raises(ComponentError, match="every question has an answer"):
        calibration(context(samples=everything))


class TestCalibrationContract(EvaluationContract):
    def make(self):
        return calibration(context())

    def sample_set(self):
        return small_set()
