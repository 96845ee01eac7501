"""Making a reversal task: random facts about made-up entities.

The construction follows Wang and Sun 2025 (arXiv 2504.01928). A relation pair (r, its inverse) pairs up the
entities at random: (a, r, b) and so (b, r inverse, a). Entities of one group have both directions in the
training set. Of those of the other group one direction, drawn at random, is trained (`atomic`), and the
other one held out (`test`).

Axes: ``e`` entities, ``w`` tokens of a name, ``p`` relation pairs, ``n`` facts, ``s`` tokens of a fact.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator

from jepa_core.data.fact_set import TaskData
from jepa_core.data.task_size import TaskSize
from jepa_core.data.vocabulary import MASK, PAD, PRED, Vocabulary
from jepa_core.errors import DataError
from jepa_core.views.facts import Facts, Role, SampleType


def generate(size: TaskSize, seed: int) -> TaskData:
    """The task of this size and seed, the same on every machine.

    Token ids: the shuffled names, ``<mask>``, ``<r_0>``, ``<r_0_inv>``, …, ``<pad>``, ``<PRED>``.
    """
    if seed < 0:
        raise DataError(f"seed: expected 0 or more, not {seed}")
    rng = np.random.default_rng(seed)
    names, entities = name_entities(size, rng)
    vocabulary = make_vocabulary(names, size.relation_pairs)
    both, one = np.split(entities, [size.entities_both_ways])

    forward, backward = pair_up(both, vocabulary, rng)
    trained = np.stack([forward, backward], axis=1).reshape(-1, forward.shape[1])
    forward, backward = pair_up(one, vocabulary, rng)
    turned = rng.random((len(forward), 1)) < 0.5
    atomic, test = np.where(turned, backward, forward), np.where(turned, forward, backward)

    seen, held_out = (sample(len(rows), size.evaluation_samples, rng) for rows in (trained, atomic))
    types = torch.full((len(trained) + len(atomic),), int(SampleType.TRAIN))
    types[len(trained) :] = SampleType.ATOMIC
    evaluation = {"train": trained[seen], "atomic": atomic[held_out], "test": test[held_out]}
    return TaskData.of_facts(
        vocabulary,
        as_facts(np.concatenate([trained, atomic])),
        types,
        {split: as_facts(rows) for split, rows in evaluation.items()},
    )


def name_entities(size: TaskSize, rng: Generator) -> tuple[list[str], np.ndarray]:
    """Names in the order of their token ids, and the entities' token ids ``e w``, no two alike.

    Entity i has first name i // m. With q names and m distinct shifts, last name (first + shift) mod q gives
    every last name to m entities too, and no two entities of one first name the same one; shuffling the last
    names spreads them over both groups.
    """
    if size.name_multiplicity is None:
        names = [f"<e_{i}>" for i in range(size.entities)]
        parts = np.arange(size.entities)[:, None]
    else:
        count = size.entities // size.name_multiplicity
        names = [f"<f_{i}>" for i in range(count)] + [f"<l_{i}>" for i in range(count)]
        first, turn = np.divmod(np.arange(size.entities), size.name_multiplicity)
        last = rng.permutation(count)[(first + rng.permutation(count)[turn]) % count]
        parts = np.stack([first, count + last], axis=1)
    ids = rng.permutation(len(names))
    return [names[i] for i in np.argsort(ids)], ids[parts]


def make_vocabulary(names: list[str], relation_pairs: int) -> Vocabulary:
    """Names first, then ``<mask>``, the relations, each beside its inverse, ``<pad>`` and ``<PRED>``."""
    relations = [f"<r_{i}{suffix}>" for i in range(relation_pairs) for suffix in ("", "_inv")]
    token_to_id = {token: i for i, token in enumerate([*names, MASK, *relations, PAD, PRED])}
    relation_ids = tuple(token_to_id[relation] for relation in relations)
    return Vocabulary(
        token_to_id,
        relation_ids,
        mask_id=token_to_id[MASK],
        pad_id=token_to_id[PAD],
        inverse_ids=tuple(
            i for pair in zip(relation_ids[1::2], relation_ids[::2], strict=True) for i in pair
        ),
    )


def pair_up(entities: np.ndarray, vocabulary: Vocabulary, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every relation pair pairs the entities ``e w`` anew: the facts ``n s`` one way, and the other way.

    n = p e / 2, relation by relation.
    """
    relations = np.array(vocabulary.relation_ids).reshape(-1, 2)
    drawn = rng.permuted(np.tile(np.arange(len(entities)), (len(relations), 1)), axis=1)
    head, tail = entities[drawn].reshape(-1, 2, entities.shape[1]).swapaxes(0, 1)
    there, back = relations.repeat(len(entities) // 2, axis=0).T[..., None]
    mask = np.full_like(there, vocabulary.mask_id)
    return (
        np.concatenate([head, there, mask, tail], axis=1),
        np.concatenate([tail, back, mask, head], axis=1),
    )


def as_facts(rows: np.ndarray) -> Facts:
    """Rows ``n s`` of facts with as many tokens in the head as in the tail."""
    width = (rows.shape[1] - 2) // 2
    roles = torch.tensor([Role.HEAD] * width + [Role.RELATION, Role.MASK] + [Role.TAIL] * width)
    return Facts(torch.from_numpy(rows.astype(np.int64)), roles.repeat(len(rows), 1))


def sample(population: int, at_most: int, rng: Generator) -> np.ndarray:
    """Ascending numbers below `population`, drawn without replacement; all of them where they are few."""
    return np.sort(rng.permutation(population)[:at_most])
