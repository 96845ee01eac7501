"""Branches: new tokens that go on from a prefix of the sample, against passes of their own and by perturbation."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.samples.samples import IGNORE, Samples
from jepa_core.verify.naive import naive_losses
from jepa_core.views.pairs import Branch, NewBlock, Part, Views
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.facts.roles import Role
from jepa_plugins.l2_distance import L2Distance
from tests.families import a_model
from tests.support import (
    PRED_IDS,
    SAMPLES,
    gradient_error,
    gradients,
    small_batch,
    small_model,
    small_objective,
)

TOLERANCE = 1e-5


def lengths(facts: Samples, *roles: int) -> torch.Tensor:
    return sum((facts.tags == role).sum(dim=1) for role in roles)


class AtTheQuestion:
    """The source is the question, and its predictor tokens come right after it; the target is the tail, alone."""

    def __call__(self, facts: Samples) -> Views:
        tail = facts.tags == Role.TAIL
        return Views(((Part(facts.valid & ~tail, branch=True), NewBlock(facts.where(tail))),))


class HeadAgain:
    """The source is the head once more, after the question; the target stands in the sample."""

    def __call__(self, facts: Samples) -> Views:
        head = facts.where(facts.tags == Role.HEAD)
        after = lengths(facts, Role.HEAD, Role.RELATION, Role.MASK)
        return Views(((Branch(head, after=after), Part(facts.tags == Role.TAIL)),))


class Several:
    """Three pairs: branches at three places, as source and as target, one with labels; a new block among them."""

    def __call__(self, facts: Samples) -> Views:
        is_head, tail = facts.tags == Role.HEAD, facts.where(facts.tags == Role.TAIL)
        labels = tail.ids.where(tail.valid, IGNORE)
        after_head = lengths(facts, Role.HEAD)
        answered = Branch(tail, after=after_head + 2, labels=labels)
        again = Branch(facts.where(is_head), after=after_head + 1)
        return Views(
            (
                (Part(is_head, branch=True), answered),
                (again, NewBlock(tail)),
                (Part(facts.valid), Branch(tail, select=tail.valid, after=torch.ones_like(after_head))),
            )
        )


STRATEGIES = {"at the question": AtTheQuestion, "head again": HeadAgain, "several": Several}


def outcome(objective, batch=None):
    out = objective(**(batch or small_batch()))
    return out, gradients(objective, out.loss)


def compare(one, other):
    (out, gradient), (expected, expected_gradient) = one, other
    for name in ("loss", "ntp_loss", "jepa_loss"):
        ours, theirs = getattr(out, name), getattr(expected, name)
        assert ours.item() == pytest.approx(theirs.item(), rel=TOLERANCE)
    assert gradient_error(gradient, expected_gradient) < TOLERANCE


@pytest.mark.parametrize("positions", ["continue", "restart"])
@pytest.mark.parametrize("k", [0, 1, 3])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_packed_rows_and_naive_agree(strategy, kind, k, positions):
    """They agree in the loss and in the gradient of every parameter."""
    options = {"reversal": STRATEGIES[strategy](), "positions": positions, "distance": L2Distance()}
    model = small_model(kind)
    packed, rows = (small_objective(model, k, layout=layout, **options).eval() for layout in ("packed", "rows"))
    both = outcome(packed), outcome(rows)
    naive = naive_losses(packed, small_batch())
    compare(*both)
    assert naive.loss.item() == pytest.approx(both[0][0].loss.item(), rel=TOLERANCE)
    assert naive.ntp.item() == pytest.approx(both[0][0].ntp_loss.item(), rel=TOLERANCE)
    assert naive.jepa.item() == pytest.approx(both[0][0].jepa_loss.item(), rel=TOLERANCE)
    assert gradient_error(gradients(packed, naive.loss), both[0][1]) < TOLERANCE


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_without_positions(attention, layout):
    objective = small_objective(
        small_model("llama", attention), 2, reversal=Several(), positions="none", layout=layout
    ).eval()
    out, gradient = outcome(objective)
    naive = naive_losses(objective, small_batch())
    assert naive.loss.item() == pytest.approx(out.loss.item(), rel=TOLERANCE)
    assert gradient_error(gradients(objective, naive.loss), gradient) < TOLERANCE


def test_a_mask_that_lets_blocks_see_each_other_lets_nobody_see_a_branch():
    """Everything before is seen, but a branch by nobody, and by a branch only its prefix."""

    class Everything(BlockCausalMask):
        plain_block_causal = False
        isolates_views = False

        def __call__(self, query, key, layer):
            return torch.ones_like(query.block == key.block)

    objective = small_objective(small_model(), 1, reversal=Several(), mask=Everything()).eval()
    out, gradient = outcome(objective)
    naive = naive_losses(objective, small_batch())
    assert naive.loss.item() == pytest.approx(out.loss.item(), rel=TOLERANCE)
    assert gradient_error(gradients(objective, naive.loss), gradient) < TOLERANCE
    plain = small_objective(small_model(), 1, reversal=Several()).eval()
    assert float(plain(**small_batch()).loss.detach()) != pytest.approx(out.loss.item(), rel=TOLERANCE)


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_what_is_predicted_is_what_the_model_makes_of_prefix_and_predictor_alone(kind, layout):
    """The model's own forward over [head, relation, mask, PRED] of each sample: its last hidden state."""
    model = small_model(kind).eval()
    objective = small_objective(model, 1, reversal=AtTheQuestion(), layout=layout).eval()
    plan = objective.plan(small_batch())
    ((predicted, _),) = objective.embeddings(plan, objective.hidden_states(plan))
    counted = [sample for sample in SAMPLES if sample[4] == "train"]
    expected = []
    for head, relation, mask, _, _ in counted:
        ids = torch.tensor([[*head, relation, mask, PRED_IDS[0]]])
        expected.append(model.base_model(input_ids=ids).last_hidden_state[0, -1])
    assert torch.allclose(predicted, torch.stack(expected), atol=1e-5)


@pytest.mark.parametrize("layout", ["rows", "packed"])
@pytest.mark.parametrize(
    ("kind", "why"), [("mamba", "size of tensor"), ("mpt", "counts places"), ("bart", "counts places")]
)
def test_kinds_that_do_not_go_on_from_a_prefix(kind, why, layout):
    """A state that runs on, distances by place in the row, and positions that the model counts itself."""
    options = {"positions": "restart", "layout": layout}
    objective = small_objective(a_model(kind), 1, reversal=AtTheQuestion(), **options).eval()
    with pytest.raises(ComponentError, match=rf"can't go on from a prefix of a sample in its row \(.*{why}"):
        objective(**small_batch())
    if layout == "rows":
        small_objective(a_model(kind), 0, reversal=AtTheQuestion(), **options)(**small_batch())


def test_positions_run_on_from_the_prefix_whatever_is_said_of_new_blocks():
    for positions in ("continue", "restart"):
        plan = small_objective(small_model(), 2, reversal=Several(), positions=positions).plan(small_batch())
        first, at_head, answered, again, tail, early = plan.blocks
        heads = torch.tensor([len(s[0]) for s in SAMPLES if s[4] == "train"])
        starts = {"at_head": at_head, "answered": answered, "again": again, "early": early}
        found = {name: block.positions[:, 0].tolist() for name, block in starts.items()}
        assert found == {
            "at_head": heads.tolist(),
            "answered": (heads + 2).tolist(),
            "again": (heads + 1).tolist(),
            "early": [1, 1, 1],
        }
        assert {name: block.prefix.tolist() for name, block in starts.items()} == found
        assert (first.prefix, tail.prefix) == (None, None)
        assert at_head.ids.tolist() == [[PRED_IDS[0]] * 2] * 3
        assert (tail.positions[:, 0] == 0).all() == (positions == "restart")


def test_a_second_block_continues_behind_all_tokens_before_it():
    """Four branches and a block: the block's positions begin where the sample's, and all branches' tokens, end."""
    plan = small_objective(small_model(), 2, reversal=Several()).plan(small_batch())
    first, at_head, answered, again, tail, _ = plan.blocks
    before = [(block.tags != 0).sum(dim=1) for block in (at_head, answered, again)]
    own = (first.tags != 0).sum(dim=1)[tail.sample]
    assert tail.positions[:, 0].tolist() == (own + sum(before)).tolist()


def test_without_predictor_tokens_a_part_is_no_branch():
    """Nothing is left to put behind the view's last token."""
    plan = small_objective(small_model(), 0, reversal=AtTheQuestion()).plan(small_batch())
    assert [block.prefix for block in plan.blocks] == [None, None]
    assert plan.pairs[0].source.block == 0


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_predictor_tokens_do_not_see_what_comes_after_the_prefix(kind, layout):
    """Other tails, another end of every sample: no bit of the prediction moves. Another question moves it."""
    objective = small_objective(small_model(kind), 2, reversal=AtTheQuestion(), layout=layout).eval()
    batch = small_batch()

    def predicted(ids):
        plan = objective.plan(batch | {"input_ids": ids})
        return objective.embeddings(plan, objective.hidden_states(plan))[0][0]

    before, tail = predicted(batch["input_ids"]), batch["tags"] == Role.TAIL
    assert torch.equal(before, predicted(batch["input_ids"].where(~tail, 15)))
    for role in (Role.HEAD, Role.RELATION, Role.MASK):
        other = predicted((batch["input_ids"] + 1).where(batch["tags"] == role, batch["input_ids"]))
        assert ((before - other).abs().amax(dim=1) > 0).all()


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_who_sees_whom(kind, attention, layout):
    """Change the real tokens of one block from a column on: of the others only branches that go on from there move."""
    objective = small_objective(small_model(kind, attention), 1, reversal=Several(), layout=layout).eval()
    plan = objective.plan(small_batch())
    before = objective.hidden_states(plan)[2]
    real = [block.tags != 0 for block in plan.blocks]

    def after(changed, column):
        columns = torch.arange(real[changed].shape[1]) >= column
        ids = torch.where(real[changed] & columns, (plan.blocks[changed].ids + 1) % 40, plan.blocks[changed].ids)
        blocks = [*plan.blocks]
        blocks[changed] = replace(blocks[changed], ids=ids)
        return objective.hidden_states(replace(plan, arrangement=objective.layout.arrange(blocks)))[2]

    for changed, block in enumerate(real):
        for column in range(block.shape[1]):
            states = after(changed, column)
            for other in {*range(len(real))} - {changed}:
                moved = (states[other] - before[other]).abs().amax(dim=-1).where(real[other], 0.0)
                prefix, sample = plan.blocks[other].prefix, plan.blocks[other].sample
                sees = torch.zeros(len(sample), dtype=torch.bool)
                if changed == 0 and prefix is not None:
                    sees = (prefix > column) & (real[0].sum(dim=1)[sample] > column)
                assert torch.equal(moved.amax(dim=1) > 0, sees), (changed, other, column)


def test_a_prefix_is_run_once():
    """Packed: one row a sample. Rows: a sample and its branches share one, the new block has its own."""
    for layout, shapes in (("packed", [5]), ("rows", [5, 3])):
        objective = small_objective(small_model(), 1, reversal=Several(), layout=layout)
        plan = objective.plan(small_batch())
        assert [len(call.ids) for call in plan.arrangement.calls] == shapes
        assert sum(int((call.tags != 0).sum()) for call in plan.arrangement.calls) == plan.tokens


def test_labels_of_a_branch_are_asked_within_it():
    """Tails of 2, 1 and 2 tokens are labelled in the branch: its first token has none before it there."""
    plan = small_objective(small_model(), 1, reversal=Several()).plan(small_batch())
    own, of_branch = plan.labels_by_block
    assert (len(own.ids), of_branch.ids.tolist()) == (9, [4, 2])
    assert plan.blocks[of_branch.block].prefix is not None


class BySpans:
    """A mask that reads where spans end: whole spans, and one's own."""

    isolates_views = True

    def __call__(self, query, key, layer):
        return (query.block == key.block) & (key.last | (key.span == query.span))


class AfterTheFirstToken:
    """A branch after the first token, which may stand inside the head."""

    def __call__(self, facts: Samples) -> Views:
        tail = facts.where(facts.tags == Role.TAIL)
        return Views(((Part(facts.valid), Branch(tail, after=torch.ones(len(facts), dtype=torch.int64))),))


def test_a_prefix_that_ends_inside_a_span_keeps_what_its_tokens_are():
    """The prefix is the sample's own tokens: its last one does not end a span that goes on in the sample."""
    objective = small_objective(small_model(), 0, reversal=AfterTheFirstToken(), mask=BySpans()).eval()
    compare(outcome(objective), _naive(objective))


def _naive(objective):
    naive = naive_losses(objective, small_batch())

    class Expected:
        loss, ntp_loss, jepa_loss = naive.loss, naive.ntp, naive.jepa

    return Expected, gradients(objective, naive.loss)
