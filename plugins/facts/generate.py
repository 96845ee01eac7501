"""Generating a reversal task: random facts about made-up entities.

The construction follows Wang and Sun 2025 (arXiv 2504.01928). A relation pair (r, its inverse) pairs up the
entities at random: (a, r, b) and so (b, r inverse, a). Entities of one group have both directions in the
training set. Of the other group's facts one direction, drawn at random, is trained (`atomic`), and the other
one held out (`test`).

With several partners a relation pair pairs them up so many times, and never the same two again. An entity then has so
many right answers for one relation of the pair, as it has one otherwise. The direction is drawn for all facts at once
that hang together through the entities that they share, so that of a question either every answer is trained or none.

Axes: ``e`` entities, ``w`` tokens of a name, ``p`` relation pairs, ``n`` facts, ``s`` tokens of a fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.split import connected_components
from jepa_plugins.facts.task import FactTask, task_of_facts
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.vocabulary import MASK, PAD, PRED, Vocabulary


def generate_task(size: TaskSize, seed: int) -> FactTask:
    """Generates the task of this size and seed, the same on every machine."""
    task = GeneratedTask(size, seed)
    return task_of_facts(task.vocabulary, *task.train(0, task.facts), task.evaluation)


class GeneratedTask:
    """The random draws for a task, a few bytes a fact, of which facts are made on demand.

    Token ids: the shuffled names, ``<mask>``, ``<r_0>``, ``<r_0_inv>``, …, ``<pad>``, ``<PRED>``.
    facts: their number in the training set.
    """

    def __init__(self, size: TaskSize, seed: int):
        if seed < 0:
            raise DataError(f"seed: expected 0 or more, not {seed}")
        rng = np.random.default_rng(seed)
        names, entities = name_entities(size, rng)
        self.vocabulary = generated_vocabulary(names, size.relation_pairs)
        both, one = np.split(entities, [size.entities_both_ways])
        self._both = Pairings.draw(both, self.vocabulary, size.partners, rng)
        self._one = Pairings.draw(one, self.vocabulary, size.partners, rng)
        self._turned = (rng.random(len(self._one)) < 0.5)[self._one.first_of_those_linked()]
        self.facts = 2 * len(self._both) + len(self._one)
        self._seen = sample(2 * len(self._both), size.evaluation_samples, rng)
        self._held_out = sample(len(self._one), size.evaluation_samples, rng)

    def train(self, start: int, stop: int) -> tuple[Samples, Tensor]:
        """The facts of these rows of the training set, and their types: first those in both directions."""
        rows = np.arange(start, stop)
        trained, atomic = np.split(rows, [np.searchsorted(rows, 2 * len(self._both))])
        facts = [self._two_ways(trained), self._one_way(atomic - 2 * len(self._both))]
        types = torch.full((len(rows),), int(SampleType.TRAIN))
        types[len(trained) :] = SampleType.ATOMIC
        return as_facts(np.concatenate(facts)), types

    @property
    def evaluation(self) -> dict[str, Samples]:
        """The facts by split; those of `test` are the reverse of those of `atomic`."""
        rows = {
            "train": self._two_ways(self._seen),
            "atomic": self._one_way(self._held_out),
            "test": self._one_way(self._held_out, held_out=True),
        }
        return {split: as_facts(table) for split, table in rows.items()}

    def _two_ways(self, rows: np.ndarray) -> np.ndarray:
        """Makes each pairing's fact one way, and in the next row the other."""
        return self._both(rows // 2, rows % 2 == 1)

    def _one_way(self, rows: np.ndarray, held_out: bool = False) -> np.ndarray:
        return self._one(rows, self._turned[rows] ^ held_out)


def name_entities(size: TaskSize, rng: Generator) -> tuple[list[str], np.ndarray]:
    """Draws names, in the order of their token ids, and the entities' token ids ``e w``, no two alike.

    Entity i has first name i // m. With q names and m distinct shifts, last name (first + shift) mod q gives
    every last name to m entities too, and no two entities of one first name the same one; shuffling the last
    names spreads them over both groups.
    """
    if size.name_multiplicity is None:
        names = [f"<e_{i}>" for i in range(size.entities)]
        parts = np.arange(size.entities)[:, None]
    else:
        count = size.entities // size.name_multiplicity
        kinds = ["f", *(f"m{i}" for i in range(size.name_tokens - 2)), "l"]
        names = [f"<{kind}_{i}>" for kind in kinds for i in range(count)]
        first, turn = np.divmod(np.arange(size.entities), size.name_multiplicity)
        further = [rng.permutation(count)[(first + rng.permutation(count)[turn]) % count] for _ in kinds[1:]]
        parts = np.stack([first, *further], axis=1) + count * np.arange(len(kinds))
    ids = rng.permutation(len(names))
    return [names[i] for i in np.argsort(ids)], ids[parts]


def generated_vocabulary(names: list[str], relation_pairs: int) -> Vocabulary:
    """Makes the vocabulary: names, ``<mask>``, the relations, each beside its inverse, ``<pad>`` and ``<PRED>``."""
    relations = [f"<r_{i}{suffix}>" for i in range(relation_pairs) for suffix in ("", "_inv")]
    token_to_id = {token: i for i, token in enumerate([*names, MASK, *relations, PAD, PRED])}
    relation_ids = tuple(token_to_id[relation] for relation in relations)
    return Vocabulary(
        token_to_id=token_to_id,
        relation_ids=relation_ids,
        mask_id=token_to_id[MASK],
        pad_id=token_to_id[PAD],
        inverse_ids=tuple(i for pair in zip(relation_ids[1::2], relation_ids[::2], strict=True) for i in pair),
    )


@dataclass(frozen=True)
class Pairings:
    """Entities ``e w`` of one group, paired up anew for every relation pair, each with k partners: ``p k e / 2`` facts,
    relation by relation. relations: ``p 2``; drawn: ``(p k) e`` entity numbers, two neighbours a pair."""

    entities: np.ndarray
    relations: np.ndarray
    mask_id: int
    drawn: np.ndarray

    @classmethod
    def draw(cls, entities: np.ndarray, vocabulary: Vocabulary, partners: int, rng: Generator) -> Pairings:
        relations = np.array(vocabulary.relation_ids).reshape(-1, 2)
        everyone = np.tile(np.arange(len(entities), dtype=np.int32), (len(relations), 1))
        drawn = rng.permuted(everyone, axis=1)
        if partners > 1:
            drawn = np.concatenate([with_further_partners(row, partners, rng) for row in drawn])
        return cls(entities, relations, vocabulary.mask_id, drawn)

    def __len__(self) -> int:
        return self.drawn.size // 2

    def __call__(self, numbers: np.ndarray, turned: np.ndarray) -> np.ndarray:
        """The facts ``n s`` of these numbers ``n``, the other way round where `turned`."""
        ends = self.entities[self.drawn.reshape(-1, 2)[numbers]]  # n 2 w
        ends = np.where(turned[:, None, None], ends[:, ::-1], ends)
        relation = self.relations[numbers // (len(self) // len(self.relations)), turned.astype(int)][:, None]
        return np.concatenate([ends[:, 0], relation, np.full_like(relation, self.mask_id), ends[:, 1]], axis=1)

    def first_of_those_linked(self) -> np.ndarray:
        """Finds for each fact ``n`` the first one with the same relation pair that shares an entity with it, or with
        one that does, and so on."""
        each = len(self) // len(self.relations)
        numbers = np.arange(len(self))
        if len(self.drawn) == len(self.relations):  # one partner: none has an entity in common
            return numbers
        for start in range(0, len(self), each):
            links = self.drawn.reshape(-1, 2)[start : start + each].tolist()
            _, first, owner = np.unique(
                connected_components(links, len(self.entities)), return_index=True, return_inverse=True
            )
            numbers[start : start + each] = start + first[owner]
        return numbers


def with_further_partners(pairs: np.ndarray, partners: int, rng: Generator) -> np.ndarray:
    """Pairs the first entity of each pair with `partners` different second ones. pairs: ``e``, two neighbours a pair;
    returns ``k e``, the given pairs first."""
    heads, taken = pairs[::2], [pairs[1::2]]
    while len(taken) < partners:
        taken.append(_another(taken, rng))
    return np.stack([np.stack([heads, tails], axis=1).ravel() for tails in taken])


def _another(taken: list[np.ndarray], rng: Generator) -> np.ndarray:
    """Draws an order of the entities in which none stands where it does in any of those `taken`."""
    found = rng.permutation(taken[0])
    while len(again := np.flatnonzero(np.any([found == each for each in taken], axis=0))):
        for place, other in zip(again, rng.integers(len(found), size=len(again)), strict=True):
            found[[place, other]] = found[[other, place]]
    return found


def as_facts(rows: np.ndarray) -> Samples:
    """Makes facts of rows ``n s`` with as many tokens in the head as in the tail."""
    width = (rows.shape[1] - 2) // 2
    tags = torch.tensor([Role.HEAD] * width + [Role.RELATION, Role.MASK] + [Role.TAIL] * width)
    return Samples(torch.from_numpy(rows.astype(np.int64)), tags.repeat(len(rows), 1))


def sample(population: int, at_most: int, rng: Generator) -> np.ndarray:
    """Draws ascending numbers below `population`, without replacement; all of them where they are few."""
    return np.sort(rng.permutation(population)[:at_most])
