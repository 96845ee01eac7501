"""Sides of the JEPA loss: which layer an extractor is given, and which tokens' final states matter."""

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.jepa_term import Side
from jepa_core.samples.samples import Samples
from jepa_plugins.last_token import LastToken
from tests.support import small_batch, small_model, small_objective


class First:
    """Keeps what it was given, and takes the first column."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, hidden, valid, tags):
        self.given = hidden, valid, tags
        return hidden[:, 0]


class Times(torch.nn.Module):
    """A predictor that keeps what it was given."""

    needs_condition = True

    def forward(self, state, condition):
        self.given = state, condition
        return state * condition


def test_layers_are_counted_from_the_front():
    transformer = Transformer(small_model())
    assert Side.of(LastToken(), transformer).layer == 2
    assert [Side.of(First(layer), transformer).layer for layer in (0, 1, 2, -1, -3)] == [0, 1, 2, 2, 0]
    for layer in (3, -4):
        with pytest.raises(ComponentError, match=f"layer {layer}: this model has layers 0"):
            Side.of(First(layer), transformer)


@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_each_extractor_is_given_its_own_layer(layout):
    """Source at 2, condition at 0, target at 1; the predictor gets the first two."""
    source, condition, target, predictor = First(2), First(0), First(1), Times()
    objective = small_objective(
        small_model(), embedding=(source, target), condition=condition, predictor=predictor, layout=layout
    )
    batch = small_batch()
    plan = objective.plan(batch)
    (pair,) = plan.pairs
    hidden = objective.hidden_states(plan)
    ((predicted, found),) = objective.embeddings(plan, hidden)
    assert sorted(hidden) == [0, 1, 2]
    for extractor, layer, view in ((source, 2, pair.source), (condition, 0, pair.source), (target, 1, pair.target)):
        assert torch.equal(extractor.given[0], hidden[layer].view(view))
        assert torch.equal(extractor.given[1], view.select)
        assert torch.equal(extractor.given[2], plan.blocks[view.block].tags[view.rows])
    assert torch.equal(predictor.given[0], hidden[2].view(pair.source)[:, 0])
    assert torch.equal(predictor.given[1], hidden[0].view(pair.source)[:, 0])
    assert torch.equal(predicted, hidden[2].view(pair.source)[:, 0] * hidden[0].view(pair.source)[:, 0])
    assert torch.equal(found, hidden[1].view(pair.target)[:, 0])
    assert objective(**batch).loss.isfinite()


def test_a_predictor_that_needs_a_condition_is_refused_without_one():
    with pytest.raises(ComponentError, match="predictor Times needs a condition"):
        small_objective(small_model(), predictor=Times())


def test_alone_it_gives_what_it_gives_in_a_batch():
    options = {"embedding": (First(2), LastToken()), "condition": First(0), "predictor": Times()}
    objective = small_objective(small_model(), k=0, **options)
    batch = small_batch()
    plan = objective.plan(batch)
    ((predicted, target),) = objective.embeddings(plan, objective.hidden_states(plan))
    samples = Samples(batch["input_ids"], batch["tags"])
    rows = plan.pairs[0].source.rows
    assert torch.allclose(objective.predict(samples)[rows], predicted, atol=1e-6)
    state = objective.embed(samples, "source")[rows]
    assert torch.allclose(state, objective.hidden_states(plan)[2].view(plan.pairs[0].source)[:, 0], atol=1e-6)
    block = plan.blocks[plan.pairs[0].target.block]
    restarted = small_objective(small_model(), k=0, positions="restart", **options)
    again = restarted.plan(batch)
    ((_, target),) = restarted.embeddings(again, restarted.hidden_states(again))
    assert torch.allclose(restarted.embed(Samples(block.ids, block.tags)), target, atol=1e-6)


def test_reads_are_those_that_the_extractor_declares():
    objective = small_objective(small_model())
    plan = objective.plan(small_batch())
    ((source, target),) = plan.pairs
    places = plan.arrangement.places[source.block][source.rows]
    last = source.select.sum(dim=1) - 1
    assert torch.equal(objective.terms[0].source.reads(source, plan), places[torch.arange(len(places)), last])
    everything = Side(First(0), 0).reads(target, plan)
    assert len(everything) == int(target.select.sum())
