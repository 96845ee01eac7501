"""A task of facts, in the form that the core takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from jepa_core.samples.asking import Asker, Manner
from jepa_core.samples.candidates import Asked
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.right_answers import RightAnswers
from jepa_core.samples.sample_set import TaskData
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import GROUPS, TAGS, Role, SampleType
from jepa_plugins.facts.vocabulary import Vocabulary

CAPTIONS = {
    "train": "facts that are trained in both directions",
    "atomic": "facts that are trained in this direction only",
    "test": "the direction of atomic facts that is held out",
}


@dataclass(frozen=True)
class FactTask(TaskData):
    """A task whose sets are of facts."""

    train: FactSet
    evaluation: Mapping[str, FactSet]
    vocabulary: Vocabulary


def fact_task(train: FactSet, evaluation: Mapping[str, FactSet], vocabulary: Vocabulary) -> FactTask:
    """Makes the task of these sets; whatever takes reading all of them waits until it is asked for."""
    from jepa_plugins.facts.entities import entities_of

    candidates = cache(partial(entities_of, (train, *evaluation.values())))
    return FactTask(
        train,
        evaluation,
        vocabulary,
        tags=TAGS,
        groups=GROUPS,
        candidates=candidates,
        right=cache(partial(right_answers, train)),
        longest_answer=lambda: int(candidates().samples.valid.sum(dim=1).max()),
        asked=asked,
        ask=_ask,
        checks={"reversal": _reversal},
        captions=CAPTIONS,
    )


def task_of_facts(vocabulary: Vocabulary, train: Samples, types: Tensor, evaluation: Mapping[str, Samples]) -> FactTask:
    """Makes a task of facts; every sample gets an index of its own, the training set's from 0 on.

    types: ``n``, the sample types of `train`; an evaluation split has the type of its name.
    """
    sets, first = {}, len(train)
    for split, facts in evaluation.items():
        sets[split] = FactSet(facts, torch.full((len(facts),), SampleType[split.upper()]), first)
        first += len(facts)
    return fact_task(FactSet(train, types), sets, vocabulary)


def asked(facts: Samples) -> Asked:
    """Marks the question ``[head, relation, mask]`` of facts, or of parts of them; the answer belongs at the mask."""
    answer = facts.tags == Role.MASK
    return Asked(answer | (facts.tags == Role.HEAD) | (facts.tags == Role.RELATION), answer)


def right_answers(train: FactSet) -> RightAnswers:
    """Collects the answers of each question that facts of the training set state."""
    from jepa_plugins.facts.entities import facts_of

    return RightAnswers.of(
        (sequence_ids(facts.ids, asked(facts).question), sequence_ids(facts.ids, facts.tags == Role.TAIL))
        for facts in facts_of([train])
    )


def _ask(data: TaskData, objective: object, manner: Manner) -> Asker:
    from jepa_plugins.facts.ask import ask

    return ask(data, objective, manner)


def _reversal(context: object) -> Iterable[Any]:
    from jepa_plugins.facts.check_reversal import reversal
    from jepa_plugins.facts.check_size import task_size

    return chain(reversal(context), task_size(context))
