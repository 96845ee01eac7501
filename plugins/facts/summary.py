"""A summary of a task in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.samples.samples import Samples
from jepa_plugins.facts.alike import fact_keys
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import FactTask


@dataclass(frozen=True)
class SetSummary:
    """One set of facts. lengths, entity_lengths: fewest and most tokens of a fact, and of an entity."""

    name: str
    facts: int
    entities: int
    lengths: tuple[int, int]
    entity_lengths: tuple[int, int]


@dataclass(frozen=True)
class RelationSummary:
    """A relation; parity: of its id; facts: their number in the training set."""

    name: str
    token_id: int
    inverse: str
    parity: str
    facts: int


def summarize_sets(task: FactTask) -> list[SetSummary]:
    """Summarises the training set's facts by type, then the evaluation splits; leaves out sets without facts."""
    types = task.train.sample_type
    parts = {f"train.json, {kind.name.lower()}": task.train.facts[types == kind] for kind in SampleType}
    parts |= {f"valid.json, {split}": facts.facts for split, facts in task.evaluation.items()}
    return [_summarize(name, facts) for name, facts in parts.items() if len(facts)]


def summarize_relations(task: FactTask) -> list[RelationSummary]:
    vocabulary, train = task.vocabulary, task.train.facts
    used = train.ids[train.tags == Role.RELATION].bincount(minlength=vocabulary.size)
    return [
        RelationSummary(vocabulary.name(i), i, vocabulary.name(inverse), "odd" if i % 2 else "even", int(used[i]))
        for i, inverse in zip(vocabulary.relation_ids, vocabulary.inverse_ids, strict=True)
    ]


def entity_rows(facts: Samples) -> Samples:
    """Makes every head and every tail a row of its own, ``2n s``, so that the usual helpers work on them."""
    wanted = torch.cat([facts.tags == Role.HEAD, facts.tags == Role.TAIL])
    front = (~wanted).int().argsort(dim=1, stable=True)
    tags = facts.tags.repeat(2, 1).where(wanted, Role.PAD)
    return Samples(facts.ids.repeat(2, 1).gather(1, front), tags.gather(1, front))


def _summarize(name: str, facts: Samples) -> SetSummary:
    both = entity_rows(facts)
    return SetSummary(name, len(facts), len(set(fact_keys(both))), _range(facts.valid), _range(both.valid))


def _range(valid: Tensor) -> tuple[int, int]:
    lengths = valid.sum(dim=1)
    return int(lengths.min()), int(lengths.max())
