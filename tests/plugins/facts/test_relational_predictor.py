"""The predictor with the relation for its condition: its contract, values by hand, what it can express, in a model
against a loop over facts."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from jepa_core.components import PredictorTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.registry import Registry
from jepa_core.testing import PredictorContract
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.relational_predictor import RelationalPredictor
from jepa_plugins.facts.roles import Role
from jepa_plugins.infonce_distance import InfoNceDistance
from jepa_plugins.last_token import LastToken
from jepa_plugins.mean_token import MeanToken
from tests.support import SAMPLES, gradient_error, small_batch, small_model, small_objective
from tests.support import vocabulary as make_vocabulary


def seeded(*sizes):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return RelationalPredictor(*sizes)


class TestContract(PredictorContract):
    def make(self):
        return seeded(8, 24)


class TestFewProductsContract(PredictorContract):
    def make(self):
        return seeded(8, 5)


def test_values_by_hand():
    """Head (3, 4) has the root mean square 5 / √2, the relation (1, 1) that of 1. With one product of the head's sum,
    7 √2 / 5, and the relation's sum, 2, the output map (1, -1) gives ± 14 √2 / 5."""
    predict = RelationalPredictor(2, 1)
    with torch.no_grad():
        predict.head.weight.copy_(torch.tensor([[1.0, 1.0]]))
        predict.relation.weight.copy_(torch.tensor([[1.0, 1.0]]))
        predict.out.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    found = predict(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 1.0]]))
    expected = 14 * 2**0.5 / 5
    assert found[0].tolist() == pytest.approx([expected, -expected], rel=1e-5)


def test_a_pair_without_a_relation_asks_for_its_head():
    states, relations = torch.randn(2, 8), torch.randn(2, 8)
    relations[0] = 0
    found = seeded(8, 24)(states, relations)
    assert torch.equal(found[0], states[0])
    assert not torch.allclose(found[1], states[1])
    assert torch.equal(seeded(8, 24)(states, None), states)


def test_with_products_for_every_relation_a_relation_can_undo_another():
    """Width 3, two relations, three products each: one turns the axes round, the other turns them back."""
    turn = torch.eye(3)[[1, 2, 0]]
    predict = RelationalPredictor(3, 6)
    with torch.no_grad():
        predict.head.weight.copy_(torch.cat([turn, turn.T]))
        predict.relation.weight.copy_(torch.cat([torch.eye(3)[:1].repeat(3, 1), torch.eye(3)[1:2].repeat(3, 1)]))
        predict.out.weight.copy_(torch.eye(3).repeat(1, 2))
    relations = torch.eye(3)[:2]

    def ask(head, relation):
        return predict(head[None], relations[relation][None])[0]

    head = torch.tensor([1.0, -2.0, 3.0])
    there = ask(head, 0)
    assert torch.allclose(normalize(there, dim=0), normalize(turn @ head, dim=0), atol=1e-6)
    assert torch.allclose(normalize(ask(there, 1), dim=0), normalize(head, dim=0), atol=1e-6)


def test_states_in_bfloat16_give_a_prediction_in_bfloat16():
    states, relations = torch.randn(2, 8), torch.randn(2, 8)
    found = seeded(8, 24)(states.bfloat16(), relations.bfloat16())
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), seeded(8, 24)(states, relations), atol=0.05, rtol=0.05)


def test_needs_a_condition():
    assert PredictorTraits.of(seeded(4, 4)).needs_condition
    with pytest.raises(ComponentError, match="RelationalPredictor needs a condition: name an extractor for it"):
        small_objective(small_model(), predictor=seeded(32, 8))


def test_the_default_has_products_for_every_relation():
    names = {"<mask>": 0, "<r>": 1, "<s>": 2, "<t>": 3, "<pad>": 4}
    context = BuildContext(make_vocabulary(names, (1, 2, 3), 0, 4), width=4, num_layers=2)
    create = Registry.discover().create
    assert create("predictor", "relational", context=context).out.weight.shape == (4, 12)
    assert create("predictor", "relational", context=context, products=5).out.weight.shape == (4, 5)
    with pytest.raises(ComponentError, match="products: expected 1 to 1,000,000, not 0"):
        create("predictor", "relational", context=context, products=0)
    with pytest.raises(ComponentError, match="not 1000000000000"):
        create("predictor", "relational", context=context, products=10**12)


def test_its_older_name_is_refused_with_what_to_write():
    context = SimpleNamespace()
    with pytest.raises(
        ComponentError, match=r"is a predictor by now: predictor: relational, and embedding: \{source: "
    ):
        Registry.discover().create("embedding", "relational_predictor", context=context)


@pytest.mark.parametrize("positions", ["restart", "none"])
@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_in_a_model_it_equals_a_loop_over_facts(layout, positions):
    """Each name in a pass of its own through the model, relations as rows of the embedding tables."""
    model = small_model("gpt2")
    predict, tau = seeded(32, 64), 0.2
    objective = small_objective(
        model,
        k=0,
        distance=InfoNceDistance(tau),
        embedding=(LastToken(tag=Role.HEAD), LastToken()),
        condition=MeanToken(layer=0, tag=Role.RELATION),
        predictor=predict,
        reversal=QuestionToEntity(apart=True),
        filters=[],
        positions=positions,
        layout=layout,
        gamma_ntp=0.0,
    )

    def state(name):
        places = torch.arange(len(name)) * (positions == "restart")
        mask = torch.zeros(1, 1, len(name), len(name)).masked_fill(
            torch.ones(len(name), len(name)).triu(1).bool(), torch.finfo().min
        )
        return model.transformer(
            input_ids=torch.tensor([name]), position_ids=places[None], attention_mask=mask, use_cache=False
        ).last_hidden_state[0, -1]

    def rms(vector):
        return vector / vector.square().mean().add(1e-6).sqrt()

    targets = {tuple(tail): normalize(state(tail), dim=0) for *_, tail, _ in SAMPLES}
    losses = []
    for head, relation, _, tail, _ in SAMPLES:
        embedded = model.transformer.wte.weight[relation]
        if positions == "restart":
            embedded = embedded + model.transformer.wpe.weight[len(head)]
        of_relation = predict.relation.weight @ rms(embedded)
        made = normalize(predict.out.weight @ (of_relation * (predict.head.weight @ rms(state(head)))), dim=0)
        others = [target for name, target in targets.items() if name != tuple(tail)]
        candidates = torch.stack([targets[tuple(tail)], *others])
        losses.append(cross_entropy(candidates @ made / tau, torch.tensor(0)))
    expected = torch.stack(losses).mean()

    out = objective(**small_batch())
    assert out.jepa_loss.item() == pytest.approx(expected.item(), rel=1e-5)
    ours, theirs = (gradients_of_all(objective, loss) for loss in (out.loss, expected))
    assert gradient_error(ours, theirs) < 1e-5
    mine = {name: value for name, value in ours.items() if "predictor" in name}
    assert len(mine) == 3
    assert all(gradient.any() for gradient in mine.values())


def gradients_of_all(objective, loss):
    """The gradients of the model's parameters and the predictor's."""
    parameters = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    pairs = zip(parameters.items(), found, strict=True)
    return {name: torch.zeros_like(p) if g is None else g for (name, p), g in pairs}
