"""Samples as triples of head, relation and tail, and their division into a task's sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_lines import FactLine
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.roles import SampleType, from_spans
from jepa_plugins.facts.split import split_by_entity
from jepa_plugins.facts.task import FactTask, task_of_facts
from jepa_plugins.facts.vocabulary import Vocabulary


@dataclass(frozen=True)
class Triple:
    """A fact in one of its directions; head, tail: token ids."""

    head: tuple[int, ...]
    relation: str
    tail: tuple[int, ...]

    def reversed(self, relations: Relations) -> Triple:
        return Triple(self.tail, relations.inverse[self.relation], self.head)

    def one_of_both(self, relations: Relations) -> Triple:
        """Equal for a fact and its reverse: the one with the pair's first relation, or the smaller head."""
        other = self.reversed(relations)
        return min(self, other, key=lambda triple: (relations.names.index(triple.relation), triple.head))


def unique_triples(
    lines: Sequence[FactLine], spelling: Mapping[str, tuple[int, ...]], relations: Relations, where: str
) -> list[Triple]:
    """Every fact once, in one direction, in the order of the lines.

    spelling: token ids by entity; what is spelt alike is one entity. Raises DataError for a fact that is its
    own reverse: it can't be held out.
    """
    triples: dict[Triple, None] = {}
    for line in lines:
        triple = Triple(spelling[line.head], line.relation, spelling[line.tail])
        if triple == triple.reversed(relations):
            raise DataError(
                f"{where}: line {line.line}: tail: expected another entity than the head, as "
                f"'{line.relation}' is symmetric, not '{line.tail}'"
            )
        triples.setdefault(triple.one_of_both(relations))
    return list(triples)


def two_groups(
    triples: Sequence[Triple], relations: Relations, share: float, rng: Random
) -> tuple[list[Triple], list[Triple]]:
    """Samples in both directions, one after the other, and about `share` of the facts in one, drawn at random.

    No entity is in both groups. Raises DataError where there is no such division.
    """
    numbers: dict[tuple[int, ...], int] = {}
    links = [
        (numbers.setdefault(triple.head, len(numbers)), numbers.setdefault(triple.tail, len(numbers)))
        for triple in triples
    ]
    both: list[Triple] = []
    one: list[Triple] = []
    for triple, in_one in zip(triples, split_by_entity(links, len(numbers), share, rng), strict=True):
        ways = (triple, triple.reversed(relations))
        if in_one:
            one.append(rng.choice(ways))
        else:
            both.extend(ways)
    return both, one


def as_task(
    both: Sequence[Triple],
    one: Sequence[Triple],
    relations: Relations,
    vocabulary: Vocabulary,
    at_most: int,
    rng: Random,
) -> FactTask:
    """Trains on all facts; each evaluation split has at most so many, drawn at random.

    The test facts are the reverse of the atomic ones asked.
    """

    def rows(chosen: Sequence[Triple]) -> Samples:
        relation = {name: vocabulary.token_to_id[f"<{name}>"] for name in relations.names}
        spans = [[t.head, [relation[t.relation]], [vocabulary.mask_id], t.tail] for t in chosen]
        return from_spans(spans, vocabulary.pad_id)

    def sample(chosen: Sequence[Triple]) -> list[Triple]:
        return [chosen[i] for i in sorted(rng.sample(range(len(chosen)), min(at_most, len(chosen))))]

    seen, asked = sample(both), sample(one)
    held_out = [triple.reversed(relations) for triple in asked]
    types = torch.tensor([SampleType.TRAIN] * len(both) + [SampleType.ATOMIC] * len(one))
    evaluation = {"train": rows(seen), "atomic": rows(asked), "test": rows(held_out)}
    return task_of_facts(vocabulary, rows([*both, *one]), types, evaluation)
