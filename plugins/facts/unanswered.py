"""The questions of a task that no training fact answers.

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
    """heads, relations: ``q``, numbers of an entity and a relation; entities, relation_ids: what they number, those
    that training facts name; facts: how many of these were read."""

    heads: Tensor
    relations: Tensor
    entities: Candidates
    relation_ids: Tensor
    facts: int

    @classmethod
    def of(cls, train: SampleSet) -> Unanswered:
        """Every entity with every relation, but for the pairs that a fact of `train` begins with.

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
        """One of two halves of the questions; which one a question is in is a hash of its tokens."""
        names = self.entities.samples[self.heads]
        rows = questions(names, self.relation_ids[self.relations], 0)
        kept = sequence_ids(rows.ids, rows.valid) % 2 == 0
        return replace(self, heads=self.heads[kept], relations=self.relations[kept])

    def __len__(self) -> int:
        return len(self.heads)


def _pairs(facts: Samples, entities: Candidates) -> tuple[Tensor, Tensor]:
    """Head and relation of each fact: number of the entity, id of the token."""
    relation = facts.tags == Role.RELATION
    if not bool((relation.sum(dim=1) == 1).all()):
        raise DataError("a fact has no relation of one token, so its question can't be asked of other entities")
    return entities.index(facts.ids, facts.tags == Role.HEAD), facts.ids[relation]


def questions(names: Samples, relation_ids: Tensor, mask_id: int) -> Samples:
    """``[head, relation, mask]``, ``q s``. names: ``q`` heads; relation_ids: ``q``."""
    lengths = names.valid.sum(dim=1)
    ids = torch.nn.functional.pad(names.ids, (0, 2))
    tags = torch.nn.functional.pad(names.valid * Role.HEAD, (0, 2))
    rows = torch.arange(len(lengths))
    ids[rows, lengths], ids[rows, lengths + 1] = relation_ids, mask_id
    tags[rows, lengths], tags[rows, lengths + 1] = Role.RELATION, Role.MASK
    return Samples(ids, tags)
