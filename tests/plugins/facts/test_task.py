"""A task of facts, as the core sees it."""

import torch

from jepa_core.samples.sample_set import TaskData
from jepa_plugins.facts.roles import GROUPS, TAGS, Role, from_spans
from jepa_plugins.facts.task import asked, fact_task, task_of_facts
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_set
from tests.support import vocabulary as make_vocabulary

VOCABULARY = make_vocabulary({"<mask>": MASK_ID, "<pad>": PAD_ID}, (), MASK_ID, PAD_ID)
FACTS = from_spans([[[1, 2], [17], [MASK_ID], [3]], [[4], [18], [MASK_ID], [5]]], PAD_ID)


def test_the_core_gets_names_for_all_numbers():
    task = fact_task(small_set(), {}, VOCABULARY)
    assert isinstance(task, TaskData)
    assert (task.tags, task.groups) == (TAGS, GROUPS)
    assert {*task.captions, "rehearsed", "added"} == set(GROUPS), "captions of further rows come with them"
    assert list(task.checks) == ["reversal"]


def test_entities_are_listed_once_and_over_all_sets():
    task = fact_task(small_set(SAMPLES[:2]), {"test": small_set(SAMPLES[2:])}, VOCABULARY)
    assert task.candidates() is task.candidates()
    assert len(task.candidates()) == len({tuple(name) for head, _, _, tail, _ in SAMPLES for name in (head, tail)})


def test_what_is_asked_of_a_fact():
    found = asked(FACTS)
    assert found.question.int().tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]]
    assert found.answer.int().tolist() == [[0, 0, 0, 1, 0], [0, 0, 1, 0, 0]]


def test_what_is_asked_of_a_part_of_a_fact():
    """The part is ``[head, mask]``, which asks for the head itself."""
    parts = FACTS.where((FACTS.tags == Role.HEAD) | (FACTS.tags == Role.MASK))
    assert asked(parts).question.int().tolist() == [[1, 1, 1], [1, 1, 0]]


def test_samples_of_all_sets_are_numbered_apart():
    task = task_of_facts(VOCABULARY, FACTS, torch.tensor([0, 1]), {"test": FACTS})
    assert task.train.__getitems__([0, 1])["index"].tolist() == [0, 1]
    assert task.evaluation["test"].__getitems__([0, 1])["index"].tolist() == [2, 3]
    assert task.evaluation["test"].group_sizes == {"test": 2}
