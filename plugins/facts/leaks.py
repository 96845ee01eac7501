"""No held-out answer may be trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.reverse import reverse_facts
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import FactTask
from jepa_plugins.facts.vocabulary import Vocabulary


def check_leaks(task: FactTask, train: str, test: str) -> None:
    """Raises DataError when a test fact, or the reverse of an atomic fact, stands in the training set.

    train, test: what the message calls the two sets. The vocabulary has its `inverse_ids`.
    """
    trained = {key: number for number, key in enumerate(fact_keys(task.train.facts))}
    held_out = task.evaluation["test"]
    for number, key in enumerate(fact_keys(held_out.facts)):
        if key in trained:
            fact = describe(held_out, number, task.vocabulary)
            raise trained_test_fact(f"{test}: item {number}", fact, f"{train}: item {trained[key]}")
    atomic = (task.train.sample_type == SampleType.ATOMIC).nonzero().flatten()
    reverses = fact_keys(reverse_all(task.train.facts[atomic], task.vocabulary))
    for number, key in zip(atomic.tolist(), reverses, strict=True):
        if key in trained:
            fact = describe(task.train, number, task.vocabulary)
            raise trained_reverse(f"{train}: item {number}", fact, f"item {trained[key]}")


def trained_test_fact(where: str, fact: str, found: str) -> DataError:
    """where, found: the two items."""
    return DataError(f"{where}: expected a fact that is not trained on, but {fact} is in the training set: {found}")


def trained_reverse(where: str, fact: str, found: str) -> DataError:
    """where: the atomic fact's item; found: that of its reverse."""
    return DataError(
        f"{where}: type: expected atomic facts without their reverse, but that of {fact} is in the training "
        f"set: {found}"
    )


def reverse_all(facts: Samples, vocabulary: Vocabulary) -> Samples:
    """The reversed facts, by the vocabulary's `inverse_ids`."""
    return reverse_facts(facts, inverse_table(vocabulary)[facts.ids])


def inverse_table(vocabulary: Vocabulary) -> Tensor:
    """Of each relation's id the inverse's; the other entries mean nothing."""
    inverse = torch.zeros(vocabulary.size, dtype=torch.int64)
    inverse[list(vocabulary.relation_ids)] = torch.tensor(vocabulary.inverse_ids, dtype=torch.int64)
    return inverse


def fact_keys(facts: Samples) -> list[bytes]:
    """Of each fact its tokens as bytes: equal for equal facts, whatever the padding."""
    buffer, width = facts.ids.int().numpy().tobytes(), 4 * facts.ids.shape[1]
    lengths = facts.valid.sum(dim=1).tolist()
    return [buffer[i * width : i * width + 4 * length] for i, length in enumerate(lengths)]


def describe(facts: FactSet, number: int, vocabulary: Vocabulary) -> str:
    """``'<f_1> <l_2>' '<r_0>' '<f_3> <l_4>'``"""
    sample = facts[number]
    spans = (
        [vocabulary.name(i) for i in sample["input_ids"][sample["tags"] == role]]
        for role in (Role.HEAD, Role.RELATION, Role.TAIL)
    )
    return " ".join(f"'{' '.join(span)}'" for span in spans)
