"""An objective in a loop of somebody's own: what is given to it is looked at, and moved to where it belongs."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.objective.given import given_counts, plan_given
from jepa_core.samples.samples import IGNORE
from tests.support import SAMPLES, small_batch, small_model, small_objective
from tests.support import small_spec as spec


@pytest.fixture
def objective():
    with_hooks = small_objective(small_model())
    yield with_hooks
    with_hooks.close()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda batch: {"labels": batch["labels"][:, :3]}, "labels is"),  # was read in silence, without the last ones
        (lambda batch: {"tags": batch["tags"].flip(1)}, "padding"),
        (lambda batch: {"tags": batch["tags"] * 0}, "row 0 of the batch has no token"),
        (lambda batch: {"index": batch["index"].int()}, "index is torch.int32"),
        (lambda batch: {"labels": batch["labels"].where(batch["labels"] != IGNORE, -1)}, "labels has -1"),
        (lambda batch: {"input_ids": batch["input_ids"] + 1000}, "input_ids has"),
        (lambda batch: {"group": batch["group"] + 9}, "group has"),
        (lambda batch: {"step": 1.5}, "step: expected a whole number, not 1.5"),
        (lambda batch: {"step": None}, "step: expected a whole number, not None"),
    ],
)
def test_a_batch_that_cannot_be_right_is_refused(objective, changed, words):
    batch = small_batch()
    objective(**batch)
    with pytest.raises(DataError, match=words):
        objective(**{**batch, **changed(batch)})


def test_a_step_may_be_a_number_in_a_tensor(objective):
    assert torch.equal(objective(**small_batch(), step=torch.tensor(3)).loss, objective(**small_batch(), step=3).loss)


def test_the_plan_moves_to_the_model(objective):
    """Though it is made on the host."""
    batch = small_batch()
    assert plan_given(objective, batch, 0).blocks[0].ids.device.type == "cpu"
    objective.model.to("meta")
    plan = plan_given(objective, batch, 0)
    assert {plan.blocks[0].ids.device.type, plan.labelled[0].device.type} == {"meta"}


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"ntp_loss": 3}, "counts: no term is called 'ntp_loss'"),
        ({"ntp": 0}, "counts: ntp: expected the count of the whole step, a number above 0, not 0"),
        ({"ntp": -1}, "not -1"),
        ({"jepa": float("nan")}, "not nan"),
        ({"jepa": "5"}, "not '5'"),
        ({"jepa": True}, "not True"),
        ([1, 2], "counts: expected term -> count of the whole step, not a list"),
    ],
)
def test_counts_that_cannot_divide_are_refused(objective, counts, words):
    with pytest.raises(DataError, match=words):
        objective(**small_batch(), counts=counts)


def test_counts_may_name_terms_and_regularizers(objective):
    known, plan = (
        spec(regularizers=(("variance", lambda embeddings, draws: embeddings.sum()),)),
        objective.plan(small_batch()),
    )
    counts = {"ntp": np.int64(3), "jepa": torch.tensor(2), "variance": 1.0}
    assert given_counts(counts, known, plan) == counts
    assert given_counts(None, known, plan) == {}


def test_a_step_may_count_nothing(objective):
    """Atomic facts alone make no pair: the whole step's count may be 0, and the loss is what it is without."""
    samples = [sample for sample in SAMPLES if sample[-1] == "atomic"]
    batch = small_batch(samples)
    found = objective(**batch, counts={"ntp": objective.plan(batch).labels, "jepa": 0})
    assert torch.equal(found.loss, objective(**batch).loss)
    assert found.jepa_loss is None


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_can_be_neither_copied_nor_pickled(objective, make):
    """Its hooks are on one model: a copy would run and train that one."""
    with pytest.raises(TypeError, match=r"a JepaObjective can't be (copied|pickled), as its hooks are on its model"):
        make(objective)


def test_torch_compile_leaves_planning_out(objective):
    expected = objective(**small_batch())
    found = torch.compile(objective, backend="eager")(**small_batch())
    torch.testing.assert_close(found.loss, expected.loss)
    found.loss.backward()
