"""Concept evaluation: whether the right entity is found among all by its embedding.

A question ``[head, relation, mask]`` is embedded as the source extractor does, every entity of the task alone as
the target extractor does, and entities are ranked by cosine. Other right answers of the question are left
out of the ranking ("filtered", Bordes et al. 2013). Ties count half.

Two reference lines come from the data and need no model. Chance: all candidates in random order. The
relation-blind guess: the entities that training facts link to the head, by any relation in any direction, come
first in random order, then the others. Only a figure above the second shows that the relation is used.

Axes: ``q`` questions, ``m`` entities, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core import Candidates, ComponentError, EvaluationContext, SampleSet, hookimpl
from jepa_core.evaluation.ranks import HITS
from jepa_core.model.evaluating import evaluating
from jepa_core.objective.candidate_states import candidate_states
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.sample_set import parts_of
from jepa_core.samples.samples import Samples
from jepa_core.tensors import wide
from jepa_plugins.facts.concept_table import concept_table
from jepa_plugins.facts.joined_set import of_data
from jepa_plugins.facts.known import Lookup, NumberedFacts
from jepa_plugins.facts.reverse import question_of


class ConceptEvaluation:
    """Measures splits of one task. entities: of the task; train: its training set; sets: all of its sets, the training
    set too."""

    def __init__(self, objective: JepaObjective, entities: Candidates, train: SampleSet, sets: Iterable[SampleSet]):
        self.objective, self.entities = objective, entities
        known = NumberedFacts.of_sets(sets, self.entities)
        trained = NumberedFacts.of_sets([train], self.entities)
        self.right = Lookup(known.questions, known.tails)
        self.answers = Lookup(trained.heads, trained.tails)
        self.asked_from = Lookup(trained.tails, trained.heads)

    @torch.no_grad()
    def __call__(self, name: str, dataset: SampleSet, batch_size: int = 512) -> dict[str, float]:
        """Measures ``concept_mrr``, ``concept_hits@1/3/10``; the same of ``concept_chance`` and ``concept_blind``; the
        share of questions answered with another entity: ``concept_error_other_relation`` (right for this head and
        another trained relation), ``concept_error_other_partner`` (linked to the head the other way round only),
        ``concept_error_unrelated``; and ``concept_candidates``, how many entities there are."""
        with evaluating(self.objective):
            bank = normalize(candidate_states(self.objective.embed, self.entities.samples).float(), dim=-1)
            parts = [self._measure(dataset.__getitems__(rows), bank) for rows in parts_of(len(dataset), batch_size)]
        sums = {name: sum(part[name] for part in parts) for name in parts[0]}
        return {name: value / len(dataset) for name, value in sums.items()} | {"concept_candidates": len(self.entities)}

    def _measure(self, batch: dict[str, Tensor], bank: Tensor) -> dict[str, float]:
        """Sums the figures over the batch's questions."""
        facts = Samples.of_batch(batch)
        asked = NumberedFacts.of(facts, self.entities)
        question = normalize(self.objective.predict(question_of(facts)).float(), dim=-1)
        scores = (question @ bank.T).cpu()
        own = torch.zeros_like(scores, dtype=torch.bool).scatter(1, asked.tails[:, None], True)
        left_out = self.right.mark(asked.questions, len(self.entities)) & ~own
        scores = scores.masked_fill(left_out, float("-inf"))
        answers, asked_from = (known.mark(asked.heads, len(self.entities)) for known in (self.answers, self.asked_from))
        partners = (answers | asked_from) & ~left_out
        candidates, first = (~left_out).sum(dim=1), partners.sum(dim=1)
        known = partners[own]
        return (
            _ranked("concept", ranks(scores, own))
            | _guessed("concept_chance", torch.ones_like(first), candidates)
            | _guessed("concept_blind", torch.where(known, 1, first + 1), torch.where(known, first, candidates))
            | _errors(scores, own, answers, asked_from)
        )


def ranks(scores: Tensor, own: Tensor) -> Tensor:
    """The rank ``q`` float64, 1 + better + ties / 2, of each row's one candidate that `own`, ``q m``, marks."""
    mine = scores[own][:, None]
    return 1 + wide((scores > mine).sum(dim=1)) + wide((scores == mine).sum(dim=1) - 1) / 2


def _ranked(name: str, rank: Tensor) -> dict[str, float]:
    hits = {f"{name}_hits@{n}": float((rank <= n).sum()) for n in HITS}
    return {f"{name}_mrr": float((1 / rank).sum()), **hits}


def _guessed(name: str, first: Tensor, last: Tensor) -> dict[str, float]:
    """The expected figures where the rank is any from `first` to `last`, ``q`` each, with equal probability."""
    total = {f"{name}_mrr": 0.0, **{f"{name}_hits@{n}": 0.0 for n in HITS}}
    pairs, counts = torch.stack([first, last]).unique(dim=1, return_counts=True)
    for (low, high), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
        rank = torch.arange(low, high + 1)
        total = {key: total[key] + count * value / len(rank) for key, value in _ranked(name, rank).items()}
    return total


def _errors(scores: Tensor, own: Tensor, answers: Tensor, asked_from: Tensor) -> dict[str, float]:
    """Counts the kinds of wrong first candidates."""
    top = scores.argmax(dim=1, keepdim=True)
    right, answer, partner = (marked.gather(1, top)[:, 0] for marked in (own, answers, asked_from))
    kinds = {
        "other_relation": answer,
        "other_partner": partner & ~answer,
        "unrelated": ~answer & ~partner,
    }
    return {f"concept_error_{name}": float((kind & ~right).sum()) for name, kind in kinds.items()}


def concepts(context: EvaluationContext) -> ConceptEvaluation:
    """Rank the right entity among all by embedding, beside chance and a relation-blind guess."""
    data = context.data
    if data.candidates is None:
        raise ComponentError("the dataset lists no entities, so there is nothing to rank")
    train = of_data(data.train)  # what was rehearsed makes no answer right
    return ConceptEvaluation(context.objective, data.candidates(), train, (train, *data.evaluation.values()))


concepts.was_key = ("evaluation.concepts",)  # type: ignore[attr-defined]
concepts.prefix = "concept_"  # type: ignore[attr-defined]
concepts.table = concept_table  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"concepts": concepts}
