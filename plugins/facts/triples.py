"""Facts as triples of head, relation and tail, and their division into a task's sets.

Axes: ``n`` facts, ``s`` tokens of the longest one.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.bounds import refuse_too_large
from jepa_plugins.facts.fact_lines import FactLines
from jepa_plugins.facts.relations import Relations
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.spelling import Spelling
from jepa_plugins.facts.split import split_by_entity
from jepa_plugins.facts.task import FactTask, task_of_facts
from jepa_plugins.facts.vocabulary import Vocabulary


@dataclass(frozen=True)
class Triples:
    """Facts in one direction each. head, tail: ``n`` numbers of entities; relation: ``n`` numbers of relations."""

    head: np.ndarray
    relation: np.ndarray
    tail: np.ndarray

    def __len__(self) -> int:
        return len(self.head)

    def __getitem__(self, rows: np.ndarray) -> Triples:
        return Triples(self.head[rows], self.relation[rows], self.tail[rows])

    def reversed(self, relations: Relations) -> Triples:
        return Triples(self.tail, np.array(relations.inverse_numbers)[self.relation], self.head)

    def where(self, other: np.ndarray, others: Triples) -> Triples:
        """Replaces triples by those of `others` where the bool `other` is true."""
        return Triples(
            np.where(other, others.head, self.head),
            np.where(other, others.relation, self.relation),
            np.where(other, others.tail, self.tail),
        )

    def distinct(self) -> Triples:
        """Keeps every fact once, in the order of first occurrence."""
        order = np.lexsort((self.tail, self.relation, self.head))
        ordered = self[order]
        new = (ordered.head[1:] != ordered.head[:-1]) | (ordered.tail[1:] != ordered.tail[:-1])
        new |= ordered.relation[1:] != ordered.relation[:-1]
        return self[np.sort(order[np.append(True, new)])] if len(self) else self


def unique_triples(lines: FactLines, spelling: Spelling, relations: Relations, where: str) -> Triples:
    """Makes triples of every fact once and in one direction, in the order of the lines: with the pair's first
    relation, or, for a symmetric one, with the smaller head.

    Raises DataError for a fact that is its own reverse: it can't be held out.
    """
    triples = Triples(lines.head, lines.relation, lines.tail)
    others = triples.reversed(relations)
    symmetric = others.relation == triples.relation
    for row in np.flatnonzero(symmetric & (triples.head == triples.tail))[:1].tolist():
        relation, tail = relations.names[triples.relation[row]], lines.names[triples.tail[row]]
        raise DataError(
            f"{where}: line {lines.line[row]}: tail: expected another entity than the head, as "
            f"'{relation}' is symmetric, not '{tail}'"
        )
    turned = others.relation < triples.relation
    turned[symmetric] = spelling.comes_first(triples.tail[symmetric], triples.head[symmetric])
    return triples.where(turned, others).distinct()


def two_groups(triples: Triples, relations: Relations, share: float, rng: Random) -> tuple[Triples, Triples]:
    """Divides facts into those in both directions, one after the other, and about `share` in one, drawn at random.

    No entity is in both groups. Raises DataError where there is no such division.
    """
    numbers = by_first_occurrence(np.stack([triples.head, triples.tail], axis=1))
    in_one = np.array(split_by_entity(numbers.tolist(), int(numbers.max()) + 1, share, rng))
    one, both = triples[in_one], triples[~in_one]
    turned = np.array([rng.choice((False, True)) for _ in range(len(one))], bool)
    ways = (both, both.reversed(relations))
    columns = (np.stack([getattr(way, name) for way in ways], axis=1).ravel() for name in ("head", "relation", "tail"))
    return Triples(*columns), one.where(turned, one.reversed(relations))


def by_first_occurrence(values: np.ndarray) -> np.ndarray:
    """Numbers the distinct values from 0 on, in the order of first occurrence; keeps the shape."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[inverse].reshape(values.shape)


def as_task(
    both: Triples,
    one: Triples,
    spelling: Spelling,
    relations: Relations,
    vocabulary: Vocabulary,
    at_most: int,
    rng: Random,
) -> FactTask:
    """Makes a task that trains on all facts; each evaluation split has `at_most` facts, drawn at random.

    The test facts reverse the atomic split's. Raises DataError for more facts than fit into memory.
    """
    relation_ids = np.array([vocabulary.token_to_id[f"<{name}>"] for name in relations.names])

    def rows(*chosen: Triples) -> Samples:
        columns = [np.concatenate([getattr(t, name) for t in chosen]) for name in ("head", "relation", "tail")]
        return token_rows(Triples(*columns), spelling, relation_ids, vocabulary)

    def sample(chosen: Triples) -> Triples:
        return chosen[np.array(sorted(rng.sample(range(len(chosen)), min(at_most, len(chosen)))), np.int64)]

    seen, asked = sample(both), sample(one)
    types = torch.tensor([SampleType.TRAIN, SampleType.ATOMIC]).repeat_interleave(torch.tensor([len(both), len(one)]))
    evaluation = {"train": rows(seen), "atomic": rows(asked), "test": rows(asked.reversed(relations))}
    return task_of_facts(vocabulary, rows(both, one), types, evaluation)


def token_rows(triples: Triples, spelling: Spelling, relation_ids: np.ndarray, vocabulary: Vocabulary) -> Samples:
    """Makes rows ``n s`` of int32 ids and uint8 tags, as small as a set keeps them. relation_ids: number -> token id.

    Raises DataError for more facts than fit into memory.
    """
    heads, tails = (spelling.lengths[ends][:, None] for ends in (triples.head, triples.tail))
    width = int((heads + tails).max(initial=-2)) + 2
    refuse_too_large(len(triples), width)
    place = np.arange(width)
    tags = np.where(place < heads, Role.HEAD, Role.TAIL).astype(np.uint8)
    tags[place == heads], tags[place == heads + 1], tags[place >= heads + tails + 2] = (
        Role.RELATION,
        Role.MASK,
        Role.PAD,
    )
    ids = np.full(tags.shape, vocabulary.pad_id, np.int32)
    ids[tags == Role.HEAD], ids[tags == Role.TAIL] = spelling.gather(triples.head), spelling.gather(triples.tail)
    ids[tags == Role.RELATION], ids[tags == Role.MASK] = relation_ids[triples.relation], vocabulary.mask_id
    return Samples(torch.from_numpy(ids), torch.from_numpy(tags))
