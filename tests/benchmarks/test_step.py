"""The arms of the step benchmark compute the same, and none computes less than the floor."""

from __future__ import annotations

import pytest
import torch

from benchmarks.savings import floor
from benchmarks.step import NAIVE, OURS, Case, Contest, agree, count, measure
from benchmarks.tasks import Size, prompts_and_answers, random_spans
from benchmarks.yardsticks import of_facts

TINY = Size(2, 16, 2)
CASES = {
    "names of 1 to 3 tokens, k = 2": Case(TINY, 6, k=2, spans=lambda: random_spans(1, 3, 30), vocabulary=100),
    "padded": Case(TINY, 6, spans=lambda: prompts_and_answers(6, 12, 30), padded=20, vocabulary=100),
}


@pytest.fixture(scope="module", params=list(CASES))
def contest(request, tmp_path_factory) -> Contest:
    return Contest(CASES[request.param], tmp_path_factory.mktemp("task"))


def test_all_compute_the_same(contest):
    agree(contest)
    assert len(contest.arms) == 10


def test_what_computes_something_else_is_found(contest):
    arm = contest.arms[OURS]
    broken = type(arm)(lambda batch: tuple(1.01 * loss for loss in arm.losses(batch)), arm.optimizer)
    contest.arms["broken"] = broken
    with pytest.raises(AssertionError, match="broken computes something else"):
        agree(contest)
    del contest.arms["broken"]


def test_every_saving_saves_and_the_floor_is_below_all(contest):
    batch = contest.batch(0)
    flop = {name: count(arm, batch) for name, arm in contest.arms.items()}
    ladder = [flop[name] for name in flop if name == NAIVE or name.startswith("+")]
    assert ladder[0] > ladder[1] > ladder[2] >= ladder[3] >= ladder[4] > ladder[5] > contest.floor(batch)


def test_the_floor_of_one_sample_by_hand():
    """2 layers of width 4, vocabulary 10; a sample of 1 + 2 + 1 tokens with one label, which pays, k = 1.

    Layer 1 takes 5 and 4 tokens: 24 · 16 a token, attention 4 · 4 · (15 + 10). Layer 2: keys and values of 9 tokens,
    4 · 16; the rest of 3 that are read, 20 · 16; they see 4 + 5 and 4 tokens. One label: 2 · 4 · 10.
    """
    labels = torch.tensor([[-100, -100, -100, 7]])
    one = torch.tensor([1])
    rows = of_facts(torch.zeros(1, 4, dtype=torch.int64), labels, one, one, torch.tensor([True]))
    forward = 24 * 16 * 9 + 16 * 25 + 4 * 16 * 9 + 20 * 16 * 3 + 16 * 13 + 80
    assert floor(rows, 1, 2, 4, 10) == 3 * forward


def test_a_sample_that_does_not_pay_needs_neither_predictors_nor_its_last_token():
    labels = torch.tensor([[-100, -100, -100, 7]])
    one = torch.tensor([1])
    rows = of_facts(torch.zeros(1, 4, dtype=torch.int64), labels, one, one, torch.tensor([False]))
    forward = 24 * 16 * 3 + 16 * 6 + 4 * 16 * 3 + 20 * 16 + 16 * 3 + 80
    assert floor(rows, 1, 2, 4, 10) == 3 * forward


def test_a_table_has_a_line_an_arm_and_the_floor():
    rows = measure(CASES["padded"], rounds=1)
    assert [row[""] for row in rows][-2:] == [OURS, "floor: nothing that no loss reads"]
    assert len(rows) == 11
    naive = next(row for row in rows if row[""] == NAIVE)
    assert (naive["times fewer"], naive["times as fast"]) == ("1.00", "1.00")
