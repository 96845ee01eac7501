"""Answers and their confidence: against a loop over questions and entities, one model call each."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from jepa_core.samples.samples import Samples
from jepa_plugins.facts import confidence as module
from jepa_plugins.facts.confidence import Asking
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.unanswered import Unanswered
from jepa_plugins.last_token import LastToken
from tests.support import MASK_ID, small_model, small_objective, small_set


def objective():
    extractors = (LastToken(tag=Role.MASK), LastToken(layer=1))
    return small_objective(small_model(), k=0, reversal=QuestionToEntity(), embedding=extractors).eval()


def one(ids, tags) -> Samples:
    return Samples(torch.tensor([ids]), torch.tensor([tags]))


@torch.no_grad()
def slow(made, asked: Unanswered, kind: str) -> tuple[list[int], list[float]]:
    samples = asked.entities.samples
    names = [ids[valid].tolist() for ids, valid in zip(samples.ids, samples.valid, strict=True)]
    states = [made.embed(one(name, [Role.TAIL] * len(name)))[0] for name in names]

    def predicted(entity: int, relation: int):
        question = [*names[entity], relation, MASK_ID]
        tags = [Role.HEAD] * len(names[entity]) + [Role.RELATION, Role.MASK]
        return made.predict(one(question, tags))[0]

    tails, sure = [], []
    relations = asked.relation_ids.tolist()
    for head, number in zip(asked.heads.tolist(), asked.relations.tolist(), strict=True):
        guess = predicted(head, relations[number])
        cosines = torch.stack([cosine_similarity(guess, state, dim=0) for state in states])
        first, second = cosines.topk(2).values.tolist()
        best = int(cosines.argmax())
        back = max(float(cosine_similarity(predicted(best, r), states[head], dim=0)) for r in relations)
        probability = float(torch.softmax(cosines / 0.5, dim=0)[best])
        known = {"cosine": first, "margin": first - second, "cosine_and_back": first + back, "probability": probability}
        tails.append(best)
        sure.append(known[kind])
    return tails, sure


@pytest.mark.parametrize("kind", ["cosine", "cosine_and_back", "probability", "margin"])
@pytest.mark.parametrize("at_once", [1, 7, 4096])
def test_equals_the_slow_loop_however_many_at_once(kind, at_once, monkeypatch):
    monkeypatch.setattr(module, "_QUESTIONS", at_once)
    made, asked = objective(), Unanswered.of(small_set())
    found = Asking(made, asked, MASK_ID).answers(kind, 0.5)
    tails, sure = slow(made, asked, kind)
    assert found.tails.tolist() == tails
    assert found.confidence.tolist() == pytest.approx(sure, abs=1e-5)


def test_memory_is_bounded_by_the_scores_of_a_part(monkeypatch):
    """Two questions against eight entities are the most that is ever made, with room for 16 scores."""
    monkeypatch.setattr(module, "_SCORES", 16)
    made, asked, seen = objective(), Unanswered.of(small_set()), []
    before = made.predict
    monkeypatch.setattr(made, "predict", lambda samples: (seen.append(len(samples)), before(samples))[1])
    Asking(made, asked, MASK_ID).answers("cosine_and_back", 0.1)
    assert max(seen) == 2
    assert sum(seen) == len(asked) + len(asked.entities) * len(asked.relation_ids)
