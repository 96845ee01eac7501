"""The answers of a predictor, one a question also where several are right, and its confidence in them.

Memory holds the entities' states, the questions' numbers and one part of the scores; no table of all entities
against all questions is made. Axes: ``m`` entities, ``q`` questions, ``c`` questions of a part, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core import JepaObjective
from jepa_core.objective.candidate_states import candidate_states
from jepa_plugins.facts.unanswered import Unanswered, questions

Confidence = Literal["cosine", "cosine_and_back", "probability", "margin"]
#: The most scores, and questions, at once.
_SCORES, _QUESTIONS = 1 << 24, 4096


class Answers(NamedTuple):
    """The number of the entity that comes first, and the predictor's confidence in it, ``q`` each."""

    tails: Tensor
    confidence: Tensor


class Asking:
    """Puts questions to the predictor of a learned objective, which is in evaluation mode."""

    def __init__(self, objective: JepaObjective, asked: Unanswered, mask_id: int):
        self.objective, self.asked, self.mask_id = objective, asked, mask_id
        self.bank = normalize(candidate_states(objective.embed, asked.entities.samples).float(), dim=-1)  # m d

    @torch.no_grad()
    def answers(self, confidence: Confidence, temperature: float) -> Answers:
        """Finds the first entity of every question. confidence: its measure, see
        :func:`~jepa_plugins.facts.rehearsal.unanswered_questions`; temperature: of the probabilities."""
        parts = [self._first(rows, confidence, temperature) for rows in self._parts(len(self.asked))]
        found = Answers(*(torch.cat([part[i] for part in parts]) for i in (0, 1)))
        if confidence != "cosine_and_back":
            return found
        return Answers(found.tails, found.confidence + self._back(found.tails))

    def _parts(self, count: int) -> Iterator[Tensor]:
        size = max(1, min(_QUESTIONS, _SCORES // max(len(self.bank), 1)))
        return iter(torch.arange(count).split(size))

    def _first(self, rows: Tensor, confidence: Confidence, temperature: float) -> Answers:
        scores = self._predicted(self.asked.heads[rows], self.asked.relations[rows]) @ self.bank.T  # c m
        top = scores.topk(min(2, scores.shape[1]), dim=1)
        sure = top.values[:, 0]
        if confidence == "margin":
            sure = sure - top.values[:, -1]
        if confidence == "probability":
            sure = torch.exp(sure / temperature - torch.logsumexp(scores / temperature, dim=1))
        return Answers(top.indices[:, 0].cpu(), sure.cpu())

    def _back(self, tails: Tensor) -> Tensor:
        """The best cosine ``q`` with the head, when the answer is asked by every relation in turn; the inverse is not
        looked up."""
        best = torch.full((len(tails),), -torch.inf)
        for relation in range(len(self.asked.relation_ids)):
            everyone = torch.cat(
                [self._predicted(e, torch.full_like(e, relation)) for e in self._parts(len(self.bank))]
            )
            for rows in self._parts(len(tails)):
                back = (everyone[tails[rows]] * self.bank[self.asked.heads[rows]]).sum(dim=1)
                best[rows] = torch.maximum(best[rows], back.cpu())
        return best

    def _predicted(self, heads: Tensor, relations: Tensor) -> Tensor:
        """The prediction ``c d``, of length 1, from the question of each head and relation."""
        names, ids = self.asked.entities.samples[heads], self.asked.relation_ids[relations]
        return normalize(self.objective.predict(questions(names, ids, self.mask_id)).float(), dim=-1)
