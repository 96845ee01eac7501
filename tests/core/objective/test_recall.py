"""Recall: values by hand, its place in the model, and what it trains."""

from math import exp

import pytest
import torch

import jepa_core
from jepa_core.errors import ComponentError, RecipeError
from jepa_core.objective.hidden import LayerStates
from jepa_core.objective.recall import recalled
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.relational_predictor import RelationalPredictor
from jepa_plugins.facts.reverse import question_of
from jepa_plugins.facts.roles import Role
from jepa_plugins.last_token import LastToken
from jepa_plugins.mean_token import MeanToken
from tests.core.objective.test_concept_composition import concept_model, concept_objective
from tests.support import small_batch

HEAD, MASK = Role.HEAD, Role.MASK


def test_values_by_hand():
    """Cosines of (2, 0) with the memory's rows are 1, 0 and -1; at temperature 1 the weights are e, 1 and 1 / e."""
    memory = torch.tensor([[5.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    total = exp(1) + 1 + exp(-1)
    expected = [(5 * exp(1) - exp(-1)) / total, 1 / total]
    assert recalled(torch.tensor([[2.0, 0.0]]), memory, 1.0)[0].tolist() == pytest.approx(expected)


def test_a_low_temperature_recalls_the_nearest():
    memory = torch.tensor([[5.0, 1.0], [0.0, 1.0], [-1.0, 0.0]])
    found = recalled(torch.tensor([[2.0, 0.1], [0.1, 2.0]]), memory, 0.01)
    assert torch.allclose(found, memory[:2], atol=1e-4)


def test_answers_are_spelled_from_the_memory_alone():
    """The decoder sees the mask token's state, and that is recalled: with one entity in the memory another
    question changes no answer by a bit, and with several it does."""
    objective = concept_objective(concept_model("gpt2"), ntp_detach=2, recall_temperature=0.1)
    batch = small_batch()
    other = {**batch, "input_ids": batch["input_ids"].clone()}
    other["input_ids"][:, 0] = 0

    def answers(some, bank=None):
        plan = objective.plan(some)
        labels = plan.own_labels
        states = objective.hidden_states(plan, bank=bank)[3].at(0, labels.rows, labels.columns)
        first = torch.cat([torch.tensor([True]), labels.rows[1:] != labels.rows[:-1]])
        return states[first]

    assert not torch.equal(answers(batch), answers(other))
    only = objective.candidate_states()[:1].detach()
    assert torch.equal(answers(batch, only), answers(other, only))


SOURCES = {
    "mask token": lambda: {"source": LastToken(layer=2, tag=MASK)},
    "any token": lambda: {"source": LastToken(layer=2)},
    "relational": lambda: {
        "source": LastToken(layer=1, tag=HEAD),
        "condition": MeanToken(layer=0, tag=Role.RELATION),
        "predictor": RelationalPredictor(32, 64),
    },
}


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("source", SOURCES)
def test_what_is_recalled_is_what_the_source_extractor_makes_of_the_question(source, k):
    """Each block's question stands by itself; the answer and predictor tokens after it play no part."""
    objective = concept_objective(
        concept_model("gpt2"),
        ntp_detach=2,
        recall_temperature=0.1,
        reversal=QuestionToEntity(autoencode=True),
        pred_ids=(24,) * k,
        **SOURCES[source](),
    )
    seen = []
    objective.transformer.blocks[2].register_forward_pre_hook(lambda block, args: seen.append(args[0]))
    batch = small_batch()
    plan = objective.plan(batch)
    objective.hidden_states(plan)
    entered = LayerStates(seen[-1].flatten(0, 1), plan.arrangement.places)
    facts = Samples(batch["input_ids"], batch["tags"])
    for block, question in enumerate([question_of(facts), facts.where((facts.tags == HEAD) | (facts.tags == MASK))]):
        expected = recalled(objective.predict(question), objective.candidate_states(), 0.1)
        assert torch.allclose(entered[block][plan.blocks[block].tags == MASK], expected, atol=1e-5)


def test_the_memory_is_not_trained_by_the_answers():
    objective = concept_objective(concept_model("gpt2"), ntp_detach=2, recall_temperature=0.1, lambda_jepa=0.0)
    objective(**small_batch()).loss.backward()
    assert not objective.model.transformer.wte.weight.grad.any()
    assert objective.model.lm_head.weight.grad.any()


def test_needs_a_layer_to_recall_after():
    with pytest.raises(ComponentError, match="needs ntp_detach"):
        concept_objective(concept_model("gpt2"), recall_temperature=0.1)


def test_layers_that_run_again_would_recall_nothing():
    recipe = jepa_core.load_recipe("concept_tokens", overrides=["training.gradient_checkpointing=true"])
    run = jepa_core.build(recipe)
    with pytest.raises(RecipeError, match=r"does not go with objective\.recall_temperature"):
        _ = run.trainer
