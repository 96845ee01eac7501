"""The answers of questions, by hand, against a loop, and what a loss makes of them."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from torch.nn.functional import normalize

from jepa_core.samples.right_answers import RightAnswers
from jepa_core.verify.naive import naive_losses
from jepa_plugins.facts.entities import entities_of
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.task import right_answers
from jepa_plugins.infonce_distance import InfoNceDistance
from jepa_plugins.last_token import LastToken
from tests.support import MASK_ID, small_batch, small_model, small_objective, small_set

#: Entity 1 has two answers by one relation; 3, one of them, also answers another question; 5 answers a third.
FACTS = [
    ([1], 17, MASK_ID, [3], "train"),
    ([1], 17, MASK_ID, [4, 6], "train"),
    ([2], 18, MASK_ID, [3], "train"),
    ([8], 18, MASK_ID, [5], "train"),
]


def test_several_answers_and_none():
    right = RightAnswers.of([(torch.tensor([7, 5]), torch.tensor([70, 50])), (torch.tensor([7]), torch.tensor([71]))])
    assert right.among(torch.tensor([7, 6]), torch.tensor([70, 60])).tolist() == [[70, 71], [60, 60]]
    assert right.among(torch.tensor([9]), torch.tensor([90])).tolist() == [[90]], "beyond the last question"
    assert right.among(torch.tensor([5]), torch.tensor([50])).tolist() == [[50]], "no wider than these questions need"
    assert right.among(torch.empty(0).long(), torch.empty(0).long()).shape == (0, 1)


def objective(negatives: str, samples=FACTS, right=True):
    return small_objective(
        small_model(),
        k=0,
        gamma_ntp=0.0,
        distance=InfoNceDistance(1.0, negatives),  # type: ignore[arg-type]
        reversal=QuestionToEntity(apart=True),
        embedding=(LastToken(tag=Role.MASK), LastToken()),
        positions="restart",
        filters=[],
        candidates=entities_of([small_set(FACTS)]),
        right=right_answers(small_set(samples)) if right else None,
    )


def by_hand(made, rows: list[int], candidates: list[tuple[int, ...]]) -> float:
    """The mean loss of these facts: a softmax over the candidates that are the answer, or answer nothing asked."""
    total = 0.0
    for row in rows:
        head, relation, _, tail, _ = FACTS[row]
        right = {tuple(t) for h, r, _, t, _ in FACTS if (h, r) == (head, relation)} - {tuple(tail)}
        one = small_set([FACTS[row]]).select(torch.tensor([0]))
        question = normalize(made.embed(one.where(one.tags != Role.TAIL), "source"), dim=-1)[0]
        cosines = {}
        for name in {*candidates, tuple(tail)} - right:
            fact = small_set([([1], 17, MASK_ID, list(name), "train")]).select(torch.tensor([0]))
            state = made.embed(fact.where(fact.tags == Role.TAIL), "target")
            cosines[name] = float(question @ normalize(state, dim=-1)[0])
        total += log(sum(map(exp, cosines.values()))) - cosines[tuple(tail)]
    return total / len(rows)


TAILS = [tuple(t) for _, _, _, t, _ in FACTS]
NAMES = [(1,), (2,), (8,), *TAILS]


@pytest.mark.parametrize(("negatives", "candidates"), [("batch", TAILS), ("bank", NAMES)])
def test_another_right_answer_is_no_negative(negatives, candidates):
    """The batch holds 3 twice; it counts once, for the question that it does not answer."""
    rows = [0, 1, 3] if negatives == "batch" else [0, 1, 2, 3]
    made = objective(negatives)
    loss = float(made(**small_batch([FACTS[row] for row in rows])).loss)
    assert loss == pytest.approx(by_hand(made, rows, candidates), rel=1e-5)
    ignorant = float(objective(negatives, right=False)(**small_batch([FACTS[row] for row in rows])).loss)
    assert ignorant > loss + 0.01


def test_an_answer_counts_as_right_though_the_batch_does_not_say_so():
    """The batch has only the answer [4, 6] to the question about 1; the training set says that 3 answers it too."""
    made = objective("batch")
    loss = float(made(**small_batch([FACTS[1], FACTS[2]])).loss)
    assert loss == pytest.approx(by_hand(made, [2], [(3,), (4, 6)]) / 2, rel=1e-5), "the first has no negative left"


def test_one_answer_a_question_changes_nothing():
    single = [FACTS[1], FACTS[3]]
    for negatives in ("batch", "bank"):
        losses = [objective(negatives, single, known)(**small_batch(single)).loss.item() for known in (True, False)]
        assert losses[0] == losses[1]


def test_the_naive_passes_know_it_too():
    made = objective("batch")
    batch = small_batch(FACTS)
    assert naive_losses(made, batch).jepa.item() == pytest.approx(made(**batch).jepa_loss.item(), rel=1e-5)
