"""The objective against an independent, naive two-pass implementation, and by properties."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from jepa_core.errors import ComponentError
from jepa_core.objective.room import check_room
from jepa_core.objective.spec import Ema
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.core.objective.test_concept_composition import concept_model, concept_objective
from tests.reference.naive_objective import naive_gradients
from tests.support import (
    DISTANCES,
    FIRST_RELATION,
    PAD_ID,
    PRED_IDS,
    RELATIONS,
    SAMPLES,
    gradient_error,
    gradients,
    small_batch,
    small_model,
    small_objective,
)

TOLERANCE = 1e-5


def check_against_reference(
    model, samples, *, k, distance="cosine", layout, pred_ids=None, reference_samples=None, **options
):
    pred_ids = pred_ids or PRED_IDS[:1]
    known = {"lambda_jepa", "gamma_ntp", "positions", "stop_gradient"} & options.keys()
    expected, expected_gradients = naive_gradients(
        model,
        reference_samples or samples,
        first_relation_id=FIRST_RELATION,
        num_relations=RELATIONS,
        pad_id=PAD_ID,
        pred_ids=pred_ids,
        k=k,
        distance=distance,
        **{name: options[name] for name in known},
    )
    ids = pred_ids if len(pred_ids) == k else pred_ids * k
    objective = small_objective(model, distance=DISTANCES[distance](), pred_ids=ids, layout=layout, **options)
    out = objective(**small_batch(samples))
    assert out.jepa_pairs == expected.jepa_pairs
    assert float(out.loss) == pytest.approx(float(expected.loss), rel=TOLERANCE)
    assert float(out.ntp_loss) == pytest.approx(float(expected.ntp_loss), rel=TOLERANCE)
    if expected.jepa_loss is None:
        assert out.jepa_loss is None
    else:
        assert float(out.jepa_loss) == pytest.approx(float(expected.jepa_loss), rel=TOLERANCE)
    assert gradient_error(gradients(objective, out.loss), expected_gradients) < TOLERANCE


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("distance", ["cosine", "l2", "mse"])
@pytest.mark.parametrize("k", [0, 1, 2, 4])
def test_equals_the_naive_two_passes(kind, attention, distance, k, layout):
    check_against_reference(small_model(kind, attention), SAMPLES, k=k, distance=distance, layout=layout)


def model_at(kind, positions):
    """A model for these positions: without any, GPT-2's table of them is zero and stays so."""
    model = small_model(kind)
    if positions == "none" and kind == "gpt2":
        torch.nn.init.zeros_(model.transformer.wpe.weight).requires_grad_(False)
    return model


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("positions", ["restart", "none"])
def test_positions(kind, positions, layout):
    check_against_reference(model_at(kind, positions), SAMPLES, k=2, layout=layout, positions=positions)


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_many_predictors_and_unequal_lengths(attention, layout):
    check_against_reference(small_model(attention=attention), SAMPLES, k=16, layout=layout)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("positions", ["continue", "restart", "none"])
def test_rows_in_several_calls(monkeypatch, kind, positions):
    """A model this small would take one call for all."""
    for cost in ("GRADIENT", "DISPATCH"):
        monkeypatch.setattr(f"jepa_core.objective.cheapest.{cost}", 0)
    assert len(small_objective(small_model(kind), k=2, layout="rows").plan(small_batch()).arrangement.calls) > 2
    check_against_reference(model_at(kind, positions), SAMPLES, k=2, layout="rows", positions=positions)


def with_eligible(share):
    """None, one or all of the samples counted, or as they are: three of five."""
    types = {"none": ["atomic"] * 5, "one": ["atomic"] * 4 + ["train"], "all": ["train"] * 5}
    kinds = types.get(share, [sample[4] for sample in SAMPLES])
    return [(*sample[:4], kind) for sample, kind in zip(SAMPLES, kinds, strict=True)]


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("k", range(17))
def test_every_k_with_positions_and_shares_in_turn(kind, layout, k):
    """Three neighbouring k cover every pairing of positions and share for each model and layout."""
    for number, share in enumerate(("none", "one", "some", "all")):
        positions = ("continue", "restart", "none")[(k + number) % 3]
        model = model_at(kind, positions)
        check_against_reference(model, with_eligible(share), k=k, layout=layout, positions=positions)


FILTERS = {
    "no filter": [],
    "samples dropped": [SampleTypeFilter(), LossDropout(0.5)],
    "any sample dropped": [LossDropout(0.5)],
    "step kept": [SampleTypeFilter(), LossDropout(0.5, level="step")],
    "all dropped": [SampleTypeFilter(), LossDropout(1.0)],
    "of one's own": [lambda eligible, batch, draws: eligible & (batch["index"] % 2 == 0)],
}


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("name", FILTERS)
def test_filters(kind, name, layout):
    """The reference pairs the samples that the filters leave, and no others."""
    model, filters = small_model(kind), FILTERS[name]
    by_type = any(isinstance(keep, SampleTypeFilter) for keep in filters)
    samples = with_eligible("some" if by_type else "all")
    plan = small_objective(model, filters=filters).plan(small_batch(samples), step=0)
    counted = plan.pairs[0].source.rows.tolist() if plan.pairs else []
    types = ["train" if i in counted else "atomic" for i in range(len(samples))]
    expected = [(*sample[:4], kind) for sample, kind in zip(samples, types, strict=True)]
    check_against_reference(model, samples, k=1, layout=layout, filters=filters, reference_samples=expected)


@pytest.mark.parametrize("options", [{"stop_gradient": "target"}, {"lambda_jepa": 0.3}])
def test_weights_and_stopped_gradients(options):
    check_against_reference(small_model(), SAMPLES, k=1, layout="packed", gamma_ntp=0.7, **options)


def test_distinct_predictors():
    check_against_reference(small_model(), SAMPLES, k=3, pred_ids=PRED_IDS[:3], layout="rows")


def test_no_weight_on_jepa_makes_no_second_view():
    objective = small_objective(small_model(), lambda_jepa=0.0)
    plan = objective.plan(small_batch())
    assert (plan.pairs, plan.jepa_pairs, len(plan.blocks)) == ((), 0, 1)
    assert plan.tokens == sum(len(h) + len(t) + 2 for h, _, _, t, _ in SAMPLES)
    out = objective(**small_batch())
    assert out.jepa_loss is None
    assert torch.equal(out.loss.detach(), out.ntp_loss)


@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
def test_a_mixed_batch_equals_its_samples_one_by_one(layout):
    objective = small_objective(small_model(), k=2, layout=layout)
    labels = sum(len(sample[3]) for sample in SAMPLES)
    together = objective(**small_batch())
    counts = {"ntp": labels, "jepa": together.jepa_pairs}
    parts = [objective(**small_batch([s]), counts=counts) for s in SAMPLES]
    assert float(sum(p.loss for p in parts)) == pytest.approx(float(together.loss), rel=1e-6)
    apart = gradients(objective, sum(p.loss for p in parts))
    assert gradient_error(apart, gradients(objective, objective(**small_batch()).loss)) < 1e-6


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("layout", ["packed", "rows", "flat"])
def test_nothing_crosses_between_blocks(kind, attention, layout):
    """Change any token of one block: the other block does not move by one bit."""
    objective = small_objective(small_model(kind, attention), layout=layout).eval()
    plan = objective.plan(small_batch(SAMPLES[:1]))
    before = objective.hidden_states(plan)[2]
    for changed, other in ((0, 1), (1, 0)):
        for column in range(plan.blocks[changed].ids.shape[1]):
            blocks = copy.deepcopy(plan.blocks)
            blocks[changed].ids[0, column] += 1
            after = objective.hidden_states(replace(plan, arrangement=objective.layout.arrange(blocks)))[2]
            assert torch.equal(before[other], after[other])
            assert not torch.equal(before[changed][0, column], after[changed][0, column])
            assert torch.equal(before[changed][0, :column], after[changed][0, :column])


def test_both_layouts_take_the_padding_out():
    """Tokens under the padding have no influence."""
    objective = small_objective(small_model())
    batch = small_batch()
    padded = {
        n: torch.nn.functional.pad(v, (0, 3), value=-100 if n == "labels" else 0)
        for n, v in batch.items()
        if v.dim() == 2
    }
    padded["input_ids"] = padded["input_ids"].where(padded["tags"] != 0, 7)
    assert float(objective(**batch | padded).loss) == pytest.approx(float(objective(**batch).loss), rel=1e-6)


def test_parameters_of_components_always_get_a_gradient():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, predicted, target):
            return self.weight * (predicted - target).square().sum(-1)

    objective = small_objective(small_model(), distance=Scaled())
    objective(**small_batch([SAMPLES[1]])).loss.backward()
    assert objective.distance.weight.grad == 0
    objective(**small_batch()).loss.backward()
    assert objective.distance.weight.grad > 0


def test_a_distance_of_the_wrong_shape_is_named():
    objective = small_objective(small_model(), distance=lambda p, t: (p - t).square())
    with pytest.raises(ComponentError, match="one number a pair"):
        objective(**small_batch())


def test_needs_are_supplied_and_unknown_ones_refused():
    class Needy:
        needs = ("entity_ids",)

        def __call__(self, predicted, target, entity_ids):
            self.seen = entity_ids
            return (predicted - target).square().sum(-1)

    samples = [SAMPLES[0], ([8, 2], 17, 16, [3, 4], "train"), ([1, 2], 17, 16, [4, 3], "train")]
    distance = Needy()
    # the targets end in their heads reversed: the ids tell the reversed facts apart, and the equal ones not
    small_objective(small_model(), distance=distance)(**small_batch([*samples, SAMPLES[0]]))
    assert distance.seen[0] == distance.seen[3]
    assert len(set(distance.seen.tolist())) == 3
    distance.needs = ("entity_idz",)
    with pytest.raises(ComponentError, match="did you mean 'entity_ids'"):
        small_objective(small_model(), distance=distance)


def test_rows_refuse_an_unusual_mask():
    class Unusual(BlockCausalMask):
        plain_block_causal = False

    with pytest.raises(ComponentError, match="layout: rows"):
        small_objective(small_model(), mask=Unusual(), layout="rows")
    packed = small_objective(small_model(), mask=Unusual(), layout="auto")
    plain = small_objective(small_model(), layout="rows")
    assert float(packed(**small_batch()).loss) == pytest.approx(float(plain(**small_batch()).loss), rel=1e-6)


def test_facts_too_long_for_the_position_table_are_refused():
    objective = small_objective(small_model(n_positions=12))
    with pytest.raises(ComponentError, match="takes 13 positions, and the model has 12"):
        check_room(objective.spec, objective.transformer.max_positions, 6)
    with pytest.raises(ComponentError, match="a token at position 12"):
        objective(**small_batch(SAMPLES[:1]))


def hooks(model):
    """Each module's hooks before and after it, and its own attributes."""
    return {
        name: (len(module._forward_pre_hooks), len(module._forward_hooks), len(module._backward_hooks), [*vars(module)])
        for name, module in model.named_modules()
    }


CLOSED = {
    "plain": {},
    "detached": {"ntp_detach": 2},
    "recalling": {"ntp_detach": 2, "recall_temperature": 0.1},
    "frozen targets": {"target": "frozen"},
    "a moving average": {"target": Ema(0.9), "ntp_detach": 2},
}


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_objective_leaves_the_model_as_it_was(kind, name):
    """Its hooks and its gradients; and the next objective over it is as over a new model."""
    model, fresh = concept_model(kind), concept_model(kind)
    options = {**CLOSED[name], "positions": "restart"}
    own = own_gradient(model)
    before = hooks(model)
    objective = concept_objective(model, **options)
    assert hooks(model) != before
    expected = objective(**small_batch())
    expected_gradient = gradients(objective, expected.loss)
    objective.close()
    assert hooks(model) == before
    assert all(torch.equal(one, other) for one, other in zip(own_gradient(model), own, strict=True))
    again = concept_objective(model, **options)
    out = again(**small_batch())
    assert torch.equal(out.loss, expected.loss)
    assert all(torch.equal(g, expected_gradient[n]) for n, g in gradients(again, out.loss).items())
    again.close()
    other, new = (small_objective(each, 2) for each in (model, fresh))
    losses = [each(**small_batch()).loss for each in (other, new)]
    assert torch.equal(*losses)
    both = [gradients(each, loss) for each, loss in zip((other, new), losses, strict=True)]
    assert all(torch.equal(g, both[1][n]) for n, g in both[0].items())


def own_gradient(model):
    """The model's own loss and its gradient. With all hidden states: asked for them the first time, transformers puts
    hooks of its own there, and leaves them."""
    ids = torch.tensor([[1, 2, 17, 16, 3, 4]])
    loss = model(input_ids=ids, labels=ids, output_hidden_states=True).loss
    return [loss, *torch.autograd.grad(loss, [p for p in model.parameters() if p.requires_grad])]


def test_the_losses_compile_whole_and_once():
    """Given the transformer's outputs; other numbers of labels and of counted pairs need no new compilation."""
    objective, counter = small_objective(small_model()), CompileCounter()

    def losses(plan, hidden):
        return objective._ntp_sum(plan, hidden), objective.jepa_sum(plan, hidden)

    compiled = torch.compile(losses, fullgraph=True, backend=counter, dynamic=True)
    for count in (9, 8, 7):
        plan = objective.plan(small_batch((SAMPLES * 2)[:count]))
        hidden = objective.hidden_states(plan)
        torch.testing.assert_close(compiled(plan, hidden), losses(plan, hidden))
    assert counter.frame_count == 1
