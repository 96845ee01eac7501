"""Steps whose gradient depends on how they are split."""

from __future__ import annotations

import pytest

from jepa_core.objective.objective import JepaObjective
from jepa_core.training.trainer import JepaTrainer
from jepa_core.training.window import StepCounts
from jepa_core.verify.checks.denominators import denominators, step_rows
from jepa_core.verify.one_step import step_gradient
from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import verify
from jepa_plugins.cosine_distance import CosineDistance
from tests.core.verify.breaking import lines, red, tiny

CHECK = "denominators"
LINES = {(CHECK, f"{parts} micro-batches, against one batch") for parts in (2, 4)}


def own_counts(plan, parts=1):
    """The counts of one micro-batch, times the number of parts."""
    terms = {"ntp": plan.labels * parts, "jepa": plan.jepa_pairs * parts}
    return StepCounts(terms, len(plan.blocks[0].sample), plan.tokens)


def test_a_mean_of_means(monkeypatch):
    """Each micro-batch divides by its own labels and pairs, and the step by the number of micro-batches."""
    compute = JepaTrainer.compute_loss

    def own(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        plan, parts = inputs["plan"], self.args.gradient_accumulation_steps
        counts = own_counts(plan, parts)
        return compute(self, model, inputs, return_outputs, counts)

    monkeypatch.setattr(JepaTrainer, "compute_loss", own)
    assert red(tiny()) == LINES


def test_a_loss_that_grows_with_accumulation(monkeypatch):
    """Micro-batches' means, added up."""
    compute = JepaTrainer.compute_loss

    def own(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        return compute(self, model, inputs, return_outputs, own_counts(inputs["plan"]))

    monkeypatch.setattr(JepaTrainer, "compute_loss", own)
    assert red(tiny()) == LINES


def test_a_step_reads_its_rows_in_their_order(monkeypatch):
    """The order is not an epoch's: micro-batches are what step_rows makes them."""
    run, seen, plan = tiny().run, [], JepaObjective.plan

    def noting(self, batch, step=0, training=None):
        seen.append(batch["index"].tolist())
        return plan(self, batch, step, training)

    monkeypatch.setattr(JepaObjective, "plan", noting)
    rows = [31, 4, 45, 0, 17, 2, 48, 9]
    step_gradient(run, rows, micro_batch=2, accumulate=4)
    assert seen == [[31, 4], [45, 0], [17, 2], [48, 9]]


def test_micro_batches_have_unequal_pairs():
    context = tiny()
    rows = step_rows(context)
    counted = [row in context.counted_rows for row in rows]
    assert [sum(counted[i : i + 6]) for i in range(0, 24, 6)] == [6, 6, 3, 0]


def test_no_sum_over_pairs_is_not_applicable():
    class Contrast(CosineDistance):
        decomposable = False

        def __call__(self, predicted, target):
            return super().__call__(predicted, target) - super().__call__(predicted, target.mean(dim=0, keepdim=True))

    rows = list(denominators(tiny(distance=Contrast())))
    assert {row.verdict for row in rows} == {Verdict.NA}
    assert rows[0].evidence.startswith("Contrast declares that it is no sum over pairs")
    assert red(tiny(distance=Contrast())) == set()


@pytest.mark.parametrize("overrides", [["objective.lambda_jepa=0", "objective.k=0"], ["objective.filters.1.rate=0.5"]])
def test_right_ones_agree(overrides):
    assert {row.verdict for row in denominators(tiny(*overrides, "model.config.resid_pdrop=0.2"))} == {Verdict.PASS}


def test_weights_and_mode_stay_as_they_were():
    context = tiny()
    before = {name: value.clone() for name, value in context.objective.state_dict().items()}
    context.objective.model.eval()
    found = verify(context)
    assert lines(found, Verdict.FAIL) == set()
    assert all(value.equal(before[name]) for name, value in context.objective.state_dict().items())
    assert (context.objective.training, context.objective.model.training) == (True, False)
    assert all(parameter.grad is None for parameter in context.objective.parameters())
