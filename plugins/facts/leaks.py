"""Checks that no held-out answer is trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.alike import Alike, Parts, facts_in_parts, hash_facts, keys_in, no_keys
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.reverse import reverse_facts
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import FactTask
from jepa_plugins.facts.vocabulary import Vocabulary


def check_leaks(task: FactTask, train: str, test: str) -> None:
    """Raises DataError when a test fact, or the reverse of an atomic fact, stands in the training set.

    train, test: names of the two sets in the message. The vocabulary must have its `inverse_ids`.
    """
    held_out = task.evaluation["test"]
    keys = np.sort(np.concatenate([no_keys(), *(hash_facts(facts) for _, facts in facts_in_parts(task.train))]))
    shared = [keys_in(hash_facts(facts), keys) for _, facts in held_out_facts(task.train, held_out, task.vocabulary)]
    if any(map(len, shared)):
        alike = Alike.among(task.train, np.unique(np.concatenate(shared)))
        refuse_leaks(alike, held_out, task.vocabulary, train, test)


def held_out_facts(train: FactSet, test: FactSet, vocabulary: Vocabulary) -> Parts:
    """Yields the test facts, then the reverses of the atomic ones."""
    yield from facts_in_parts(test)
    yield from reversed_atomic(train, vocabulary)


def reversed_atomic(train: FactSet, vocabulary: Vocabulary) -> Parts:
    """Yields the reverses of the atomic facts, with the atomic facts' rows."""
    inverse = inverse_table(vocabulary)
    for rows, facts in facts_in_parts(train, SampleType.ATOMIC):
        yield rows, reverse_facts(facts, inverse[facts.ids])


def refuse_leaks(alike: Alike, test: FactSet, vocabulary: Vocabulary, train_name: str, test_name: str) -> None:
    """Raises DataError for the first test fact, or else the first reverse of an atomic one, that equals a fact of the
    training set, `alike`."""
    for number, row in alike.with_equal(facts_in_parts(test)):
        fact = fact_in_words(test, number, vocabulary)
        raise trained_test_fact(f"{test_name}: item {number}", fact, f"{train_name}: item {row}")
    for number, row in alike.with_equal(reversed_atomic(alike.data_set, vocabulary)):
        fact = fact_in_words(alike.data_set, number, vocabulary)
        raise trained_reverse(f"{train_name}: item {number}", fact, f"item {row}")


def trained_test_fact(where: str, fact: str, found: str) -> DataError:
    """The error for a trained test fact. where, found: its item, and the training set's."""
    return DataError(f"{where}: expected a fact that is not trained on, but {fact} is in the training set: {found}")


def trained_reverse(where: str, fact: str, found: str) -> DataError:
    """The error for an atomic fact with a trained reverse. where: the fact's item; found: the reverse's."""
    return DataError(
        f"{where}: type: expected atomic facts without their reverse, but that of {fact} is in the training "
        f"set: {found}"
    )


def reverse_all(facts: Samples, vocabulary: Vocabulary) -> Samples:
    """Reverses facts by the vocabulary's `inverse_ids`."""
    return reverse_facts(facts, inverse_table(vocabulary)[facts.ids])


def inverse_table(vocabulary: Vocabulary) -> Tensor:
    """The inverse's id at each relation's id; the other entries mean nothing."""
    inverse = torch.zeros(vocabulary.size, dtype=torch.int64)
    inverse[list(vocabulary.relation_ids)] = torch.tensor(vocabulary.inverse_ids, dtype=torch.int64)
    return inverse


def fact_in_words(facts: FactSet, number: int, vocabulary: Vocabulary) -> str:
    """A fact in words: ``'<f_1> <l_2>' '<r_0>' '<f_3> <l_4>'``."""
    sample = facts[number]
    spans = (
        [vocabulary.name(i) for i in sample["input_ids"][sample["tags"] == role]]
        for role in (Role.HEAD, Role.RELATION, Role.TAIL)
    )
    return " ".join(f"'{' '.join(span)}'" for span in spans)
