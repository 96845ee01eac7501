"""Knowledge of a task's entities: all facts as numbers, and lookups in them.

Axes: ``f`` facts, ``q`` questions, ``c`` hits of a lookup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from jepa_core.samples.candidates import Candidates
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.entities import facts_of
from jepa_plugins.facts.roles import Role


@dataclass(frozen=True)
class NumberedFacts:
    """heads, tails: ``f``, numbers of entities; relations: ``f``, a number each."""

    heads: Tensor
    relations: Tensor
    tails: Tensor

    @classmethod
    def of(cls, facts: Samples, entities: Candidates) -> NumberedFacts:
        head, relation, tail = (facts.tags == role for role in (Role.HEAD, Role.RELATION, Role.TAIL))
        return cls(entities.index(facts.ids, head), sequence_ids(facts.ids, relation), entities.index(facts.ids, tail))

    @classmethod
    def of_sets(cls, sets: Iterable[Any], entities: Candidates) -> NumberedFacts:
        """Collects the triples of every fact of these sets."""
        parts = [cls.of(facts, entities) for facts in facts_of(sets)]
        return cls(*(torch.cat([getattr(p, name) for p in parts]) for name in ("heads", "relations", "tails")))

    @property
    def questions(self) -> Tensor:
        """The question ``f`` int64 of each fact, equal for facts with the same head and relation."""
        return sequence_ids(torch.stack([self.heads, self.relations], dim=1), torch.ones(len(self.heads), 2).bool())


class Lookup:
    """A table from keys to all entities under each. keys, values: ``f``."""

    def __init__(self, keys: Tensor, values: Tensor):
        self.keys, order = keys.sort(stable=True)
        self.values = values[order]

    def mark(self, queries: Tensor, entities: int) -> Tensor:
        """Marks the entities under each query's key, ``q entities`` bool."""
        first, after = (torch.searchsorted(self.keys, queries, right=side) for side in (False, True))
        counts = after - first
        rows = torch.arange(len(queries)).repeat_interleave(counts)
        starts = (first - counts.cumsum(0) + counts).repeat_interleave(counts)
        found = self.values[starts + torch.arange(len(rows))]
        marked = torch.zeros(len(queries), entities, dtype=torch.bool)
        marked[rows, found] = True
        return marked
