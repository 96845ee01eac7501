"""Training rows made of the training facts by a rule, as methods do that change only the data.

Only the training set is read. Axes: ``f`` facts, ``s`` tokens of a fact, ``r`` relations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.entities import entities_of
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.joined_set import JoinedSet
from jepa_plugins.facts.known import NumberedFacts
from jepa_plugins.facts.roles import Role, SampleType, from_spans
from jepa_plugins.facts.task import FactTask, fact_task
from jepa_plugins.facts.vocabulary import Vocabulary

Rule = Literal["identity", "reversed_words", "reversed_order", "mined_inverses"]
CAPTION = "made of the training facts by a rule, no facts of the data"
#: The relation of an entity with itself.
IS = "<is>"


def with_added(task: FactTask, rule: Rule) -> FactTask:
    """Adds further training rows to a task, as a group of their own, numbered after all others."""
    vocabulary = with_is(task.vocabulary) if rule == "identity" else task.vocabulary
    rows = RULES[rule](task.train, vocabulary)
    after = max(each.first_index + len(each) for each in (task.train, *task.evaluation.values()))
    added = FactSet(rows, torch.full((len(rows),), int(SampleType.ADDED)), after)
    train = JoinedSet(task.train, added, vocabulary.pad_id)
    made = fact_task(train, task.evaluation, vocabulary)
    captions = {**task.captions, "added": CAPTION}
    return replace(made, tokenizer_files=task.tokenizer_files, captions=captions)


def identities(train: FactSet, vocabulary: Vocabulary) -> Samples:
    """Makes "A is A" of every entity that a training fact names: the Identity Bridge (arXiv 2602.02470)."""
    names = entities_of([train]).samples
    spelt = [ids[valid].tolist() for ids, valid in zip(names.ids, names.valid, strict=True)]
    relation = [vocabulary.token_to_id[IS]]
    return from_spans([[name, relation, [vocabulary.mask_id], name] for name in spelt], vocabulary.pad_id)


def reversed_words(train: FactSet, vocabulary: Vocabulary) -> Samples:
    """Tells every fact from its last word to its first, and asks for the first entity: reverse training by words
    (Golovneva et al. 2024, arXiv 2403.13799)."""
    facts = train.facts
    length = facts.valid.sum(dim=1, keepdim=True)
    places = torch.arange(facts.ids.shape[1]).expand_as(facts.ids)
    order = torch.where(places < length, length - 1 - places, places)
    return _turned(facts, order)


def reversed_order(train: FactSet, vocabulary: Vocabulary) -> Samples:
    """Reverses facts but keeps the words of each name in order: their variant that keeps entities."""
    facts = train.facts
    return _turned(facts, _TURNED_PLACE[facts.tags].argsort(dim=1, stable=True))


#: By role: the place of its tokens in a fact told from its end, and their role there.
_TURNED_PLACE = torch.tensor([5, 3, 2, 1, 0, 4])
_TURNED_ROLE = torch.tensor([Role.PAD, Role.TAIL, Role.RELATION, Role.MASK, Role.HEAD, Role.PRED])


def _turned(facts: Samples, order: Tensor) -> Samples:
    return Samples(facts.ids.gather(1, order), _TURNED_ROLE[facts.tags].gather(1, order))


def mined_inverses(train: FactSet, vocabulary: Vocabulary) -> Samples:
    """Makes the missing reverses of facts, where the training facts show which relation is the inverse of theirs.

    A relation's inverse is the one in which most of its facts, and at least half, stand reversed. Raises DataError
    where there is none to make.
    """
    facts = train.facts
    entities = entities_of([train])
    triples = NumberedFacts.of(facts, entities)
    relations, numbers = facts.ids[facts.tags == Role.RELATION].unique(return_inverse=True)
    ahead = _keys(triples.heads, numbers, triples.tails, len(relations), len(entities))
    turned = torch.full_like(numbers, -1)
    ways = [
        torch.isin(
            _keys(triples.tails, torch.full_like(numbers, other), triples.heads, len(relations), len(entities)), ahead
        )
        for other in range(len(relations))
    ]
    for relation in range(len(relations)):
        of_it = numbers == relation
        found = torch.stack([way[of_it].double().mean() for way in ways])
        inverse = int(found.argmax())
        if found[inverse] >= 0.5:
            turned[of_it & ~ways[inverse]] = inverse
    lacking = turned >= 0
    if not bool(lacking.any()):
        raise DataError(
            "added: mined_inverses finds no fact whose reverse is missing and whose relation has an inverse"
        )
    return _rows(facts[lacking], relations[turned[lacking]], vocabulary)


def _keys(heads: Tensor, relations: Tensor, tails: Tensor, kinds: int, entities: int) -> Tensor:
    """Numbers facts, ``f`` int64, equal only for equal facts."""
    return (heads * kinds + relations) * entities + tails


def _rows(facts: Samples, relations: Tensor, vocabulary: Vocabulary) -> Samples:
    """Makes the row ``[tail, relation, mask, head]`` of each fact."""
    spans = []
    for ids, tags, relation in zip(facts.ids, facts.tags, relations.tolist(), strict=True):
        head, tail = (ids[tags == role].tolist() for role in (Role.HEAD, Role.TAIL))
        spans.append([tail, [relation], [vocabulary.mask_id], head])
    return from_spans(spans, vocabulary.pad_id)


def with_is(vocabulary: Vocabulary) -> Vocabulary:
    """Adds a token for the relation of an entity with itself, after all others; its inverse is itself."""
    names = vocabulary.token_to_id
    if IS in names:
        raise DataError(f"added: identity needs a token {IS} of its own, and the data have one of that name")
    number = max(names.values()) + 1
    inverses = (*vocabulary.inverse_ids, number) if vocabulary.inverse_ids else ()
    more = {"relation_ids": (*vocabulary.relation_ids, number), "inverse_ids": inverses}
    return replace(vocabulary, token_to_id={**names, IS: number}, **more)


RULES: dict[Rule, Callable[[FactSet, Vocabulary], Samples]] = {
    "identity": identities,
    "reversed_words": reversed_words,
    "reversed_order": reversed_order,
    "mined_inverses": mined_inverses,
}
