"""The questions of a task that no training fact answers.

A question that has several answers counts as answered as soon as one of them is trained: the others are not asked for,
since nothing says how many there are.

Axes: ``m`` entities, ``r`` relations, ``q`` questions, ``s`` tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from jepa_core import Candidates, DataError, Samples, SampleSet
from jepa_core.samples.draws import sequence_ids
from jepa_plugins.facts.entities import entities_of, facts_of
from jepa_plugins.facts.roles import Role


@dataclass(frozen=True)
class Unanswered:
    """heads, relations: ``q``, numbers of an entity and a relation; entities, relation_ids: those that training facts
    name, by number; facts: the number of training facts read."""

    heads: Tensor
    relations: Tensor
    entities: Candidates
    relation_ids: Tensor
    facts: int

    @classmethod
    def of(cls, train: SampleSet) -> Unanswered:
        """Pairs every entity with every relation, except where a fact of `train` begins with the pair.

        Raises DataError for facts without a relation of one token.
        """
        entities = entities_of([train])
        pairs = [_pairs(facts, entities) for facts in facts_of([train])]
        heads, ids = (torch.cat([pair[side] for pair in pairs]) for side in (0, 1))
        relation_ids = ids.unique()
        answered = torch.zeros(len(entities), len(relation_ids), dtype=torch.bool)
        answered[heads, torch.searchsorted(relation_ids, ids)] = True
        left = (~answered).nonzero()
        return cls(left[:, 0], left[:, 1], entities, relation_ids, len(train))

    def half(self) -> Unanswered:
        """Keeps one of two halves of the questions, told by a hash of their tokens."""
        names = self.entities.samples[self.heads]
        rows = questions(names, self.relation_ids[self.relations], 0)
        kept = sequence_ids(rows.ids, rows.valid) % 2 == 0
        return replace(self, heads=self.heads[kept], relations=self.relations[kept])

    def __len__(self) -> int:
        return len(self.heads)


def _pairs(facts: Samples, entities: Candidates) -> tuple[Tensor, Tensor]:
    """The head's number and the relation's token id of each fact. Raises DataError without one relation token."""
    relation = facts.tags == Role.RELATION
    if not bool((relation.sum(dim=1) == 1).all()):
        raise DataError("a fact has no relation of one token, so its question can't be asked of other entities")
    return entities.index(facts.ids, facts.tags == Role.HEAD), facts.ids[relation]


def questions(names: Samples, relation_ids: Tensor, mask_id: int) -> Samples:
    """Makes questions ``[head, relation, mask]``, ``q s``. names: ``q`` heads; relation_ids: ``q``."""
    lengths = names.valid.sum(dim=1)
    ids = torch.nn.functional.pad(names.ids, (0, 2))
    tags = torch.nn.functional.pad(names.valid * Role.HEAD, (0, 2))
    rows = torch.arange(len(lengths))
    ids[rows, lengths], ids[rows, lengths + 1] = relation_ids, mask_id
    tags[rows, lengths], tags[rows, lengths + 1] = Role.RELATION, Role.MASK
    return Samples(ids, tags)
