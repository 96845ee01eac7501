"""The predictor with the relation for its condition: its contract, values by hand, what it can express, in a model
against a loop over facts."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from jepa_core.components import declared
from jepa_core.errors import ComponentError
from jepa_core.registry import Registry
from jepa_core.samples.samples import Role
from jepa_core.testing import EmbeddingContract
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.relational_predictor import RelationalPredictor
from jepa_plugins.infonce_distance import InfoNceDistance
from jepa_plugins.last_token import LastToken
from tests.support import SAMPLES, gradient_error, small_batch, small_model, small_objective

H, R, M = Role.HEAD, Role.RELATION, Role.MASK


def seeded(*sizes, **options):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return RelationalPredictor(*sizes, **options)


class TestContract(EmbeddingContract):
    def make(self):
        return seeded(8, 24)


class TestInnerLayerContract(EmbeddingContract):
    def make(self):
        return seeded(8, 5, layer=1, relation_layer=1)


def test_values_by_hand():
    """Head (3, 4) has the root mean square 5 / √2, relation tokens (2, 0) and (0, 2) the mean (1, 1). With one product
    of the head's sum, 7 √2 / 5, and the relation's sum, 2, the output map (1, -1) gives ± 14 √2 / 5."""
    predict = RelationalPredictor(2, 1)
    with torch.no_grad():
        predict.head.weight.copy_(torch.tensor([[1.0, 1.0]]))
        predict.relation.weight.copy_(torch.tensor([[1.0, 1.0]]))
        predict.out.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    states = torch.tensor([[[9.0, 9.0], [3.0, 4.0], [9.0, 9.0], [9.0, 9.0], [9.0, 9.0]]])
    relations = torch.tensor([[[9.0, 9.0], [9.0, 9.0], [2.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    roles = torch.tensor([[H, H, R, R, M]])
    found = predict((states, relations), roles > 0, roles)
    expected = 14 * 2**0.5 / 5
    assert found[0].tolist() == pytest.approx([expected, -expected], rel=1e-5)


def test_a_view_without_a_relation_asks_for_its_head():
    states = torch.randn(2, 3, 8)
    roles = torch.tensor([[H, H, M], [H, R, M]])
    found = seeded(8, 24)((states, states), roles > 0, roles)
    assert torch.equal(found[0], states[0, 1])
    assert not torch.allclose(found[1], states[1, 0])


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
        states = torch.stack([head, relations[relation]])[None]
        return predict((states, states), torch.ones(1, 2).bool(), torch.tensor([[H, R]]))[0]

    head = torch.tensor([1.0, -2.0, 3.0])
    there = ask(head, 0)
    assert torch.allclose(normalize(there, dim=0), normalize(turn @ head, dim=0), atol=1e-6)
    assert torch.allclose(normalize(ask(there, 1), dim=0), normalize(head, dim=0), atol=1e-6)


def test_reads_the_head_s_last_token_and_the_relation():
    roles = torch.tensor([[H, H, R, M, 0], [H, R, R, M, Role.PRED]])
    assert seeded(8, 24).reads(roles > 0, roles).int().tolist() == [[0, 1, 1, 0, 0], [1, 1, 1, 0, 0]]


def test_states_in_bfloat16_give_an_embedding_in_bfloat16():
    states = torch.randn(2, 3, 8)
    roles = torch.tensor([[H, H, M], [H, R, M]])
    found = seeded(8, 24)((states.bfloat16(), states.bfloat16()), roles > 0, roles)
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), seeded(8, 24)((states, states), roles > 0, roles), atol=0.05, rtol=0.05)


def test_declares_both_layers():
    assert declared("embedding", RelationalPredictor(4, 4, layer=2, relation_layer=1), "layer") == (2, 1)


def test_the_default_has_products_for_every_relation():
    context = SimpleNamespace(vocabulary=SimpleNamespace(relation_ids=(1, 2, 3)), width=4)
    create = Registry.discover().create
    assert create("embedding", "relational_predictor", context=context).out.weight.shape == (4, 12)
    assert create("embedding", "relational_predictor", context=context, products=5).out.weight.shape == (4, 5)
    with pytest.raises(ComponentError, match="products: expected 1 or more, not 0"):
        create("embedding", "relational_predictor", context=context, products=0)


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
        embedding=(predict, LastToken()),
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
        place = len(head) * (positions == "restart")
        embedded = model.transformer.wte.weight[relation] + model.transformer.wpe.weight[place]
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
    assert all(ours[f"source_embedding.{name}.weight"].any() for name in ("head", "relation", "out"))


def gradients_of_all(objective, loss):
    """Of the model's parameters and the predictor's."""
    parameters = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    pairs = zip(parameters.items(), found, strict=True)
    return {name: torch.zeros_like(p) if g is None else g for (name, p), g in pairs}
