"""Two halves of the test facts that never meet."""

import pytest
import torch

from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.held_out import keep_half
from jepa_plugins.facts.task_size import TaskSize

TASK = generate_task(TaskSize(entities_both_ways=40, entities_one_way=200, relation_pairs=2), seed=0)


def rows(task) -> set[tuple[int, ...]]:
    return set(map(tuple, task.evaluation["test"].ids.tolist()))


def test_the_halves_make_up_the_whole():
    tune, report = rows(keep_half(TASK, "tune")), rows(keep_half(TASK, "report"))
    assert tune | report == rows(TASK)
    assert not tune & report
    assert len(rows(TASK)) == 200
    assert 70 < len(tune) < 130  # 200 fair coins: six standard deviations are 42


def test_the_order_of_the_facts_does_not_matter():
    other = generate_task(
        TaskSize(entities_both_ways=40, entities_one_way=200, relation_pairs=2, evaluation_samples=90), 0
    )
    assert rows(keep_half(other, "tune")) == rows(keep_half(TASK, "tune")) & rows(other)


@pytest.mark.parametrize("half", ["tune", "report"])
def test_the_rest_of_the_task_stays(half):
    kept = keep_half(TASK, half)
    assert kept.train is TASK.train
    assert kept.evaluation["atomic"] is TASK.evaluation["atomic"]
    assert kept.evaluation["test"].first_index == TASK.evaluation["test"].first_index
    assert torch.equal(kept.evaluation["test"].sample_type.unique(), torch.tensor([2], dtype=torch.uint8))


def test_all_is_the_same_task():
    assert keep_half(TASK, "all") is TASK


def test_answers_of_one_question_stay_together():
    task = generate_task(TaskSize(entities_both_ways=40, entities_one_way=200, relation_pairs=2, partners=3), seed=0)
    questions = [{row[:4] for row in rows(keep_half(task, half))} for half in ("tune", "report")]
    assert not questions[0] & questions[1]
    assert len(questions[0] | questions[1]) == 200
    assert min(map(len, questions)) > 70
