"""Sides of the JEPA loss: which layers an extractor is given, and which tokens' final states matter."""

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.side import Side
from jepa_core.samples.samples import Facts
from jepa_plugins.last_token import LastToken
from tests.support import small_batch, small_model, small_objective


class Layers:
    """Keeps what it was given, and sums up the first columns."""

    def __init__(self, *layer):
        self.layer = layer

    def __call__(self, hidden, valid, roles):
        assert isinstance(hidden, tuple)
        self.given = hidden
        return sum(states[:, 0] for states in hidden)


def test_layers_are_counted_from_the_front():
    transformer = Transformer(small_model())
    one, several = Side.of(LastToken(), transformer), Side.of(Layers(-1, 0, 1), transformer)
    assert (one.layers, one.together) == ((2,), False)
    assert (several.layers, several.together) == ((2, 0, 1), True)
    with pytest.raises(ComponentError, match="layer 3: this model has layers 0"):
        Side.of(Layers(0, 3), transformer)


@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_several_layers_come_in_the_order_asked_for(layout):
    objective = small_objective(small_model(), embedding=(Layers(2, 0), LastToken()), layout=layout)
    plan = objective.plan(small_batch())
    ((source, _),) = plan.pairs
    hidden = objective.hidden_states(plan, also=[1])
    ((predicted, _),) = objective.embeddings(plan, hidden)
    given = objective.source_embedding.given
    assert torch.equal(given[0], hidden[2].view(source))
    assert torch.equal(given[1], hidden[0].view(source))
    assert torch.equal(predicted, given[0][:, 0] + given[1][:, 0])
    assert objective(**small_batch()).loss.isfinite()


def test_alone_it_gives_what_it_gives_in_a_batch():
    objective = small_objective(small_model(), k=0, embedding=(Layers(2, 0), LastToken()))
    batch = small_batch()
    plan = objective.plan(batch)
    ((predicted, _),) = objective.embeddings(plan, objective.hidden_states(plan))
    alone = objective.embed(Facts(batch["input_ids"], batch["roles"]), "source")
    assert torch.allclose(alone[plan.pairs[0][0].rows], predicted, atol=1e-6)


def test_reads_are_those_that_the_extractor_declares():
    objective = small_objective(small_model())
    plan = objective.plan(small_batch())
    ((source, target),) = plan.pairs
    places = plan.arrangement.places[source.block][source.rows]
    last = source.select.sum(dim=1) - 1
    assert torch.equal(objective.sides[0].reads(source, plan), places[torch.arange(len(places)), last])
    everything = Side(Layers(0), (0,), True).reads(target, plan)
    assert len(everything) == int(target.select.sum())
