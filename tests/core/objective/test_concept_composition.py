"""Masks by layer, views inside the fact, inner layers, InfoNCE and a detached decoder, all together: against a
loop over facts that calls the model's layers one by one."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from jepa_core.errors import ComponentError
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from jepa_plugins.facts.entities import entities_of
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.task import asked
from jepa_plugins.infonce_distance import InfoNceDistance
from jepa_plugins.last_token import LastToken
from jepa_plugins.sample_type import SampleTypeFilter
from tests.support import SAMPLES, gradient_error, gradients, small_batch, small_model, small_objective, small_set

TAU = 0.2


def concept_objective(model, negatives="batch", **options):
    return small_objective(
        model,
        k=0,
        distance=InfoNceDistance(TAU, negatives),
        mask=ConceptIsolatingMask(first_upper=1, first_decoder=2),
        **{
            "positions": "none",
            "embedding": (LastToken(layer=2, tag=Role.MASK), LastToken(layer=1)),
            "filters": [],
            "reversal": QuestionToEntity(),
            "candidates": entities_of([small_set()]),
            "asked": asked,
            **options,
        },
    )


def concept_model(kind: str, attention: str = "sdpa"):
    layers = {"n_layer": 3} if kind == "gpt2" else {"num_hidden_layers": 3}
    return small_model(kind, attention, tie_word_embeddings=False, **layers)


def sees(query: int, key: int, spans: list[str], layer: int) -> bool:
    """Word by word what the mask says. spans: of every token the role, `e1 e1 r m e2`."""
    if key > query:
        return False
    last = key + 1 == len(spans) or spans[key + 1] != spans[key]
    own = spans[query] == spans[key]
    return key == query or (
        own if layer == 0 else last if layer == 1 else spans[key] == "m" or (own and spans[key] == "e2")
    )


def states(model, ids: list[int], spans: list[str], detach: int | None) -> list[torch.Tensor]:
    """Hidden states ``s d`` of one row after each layer; GPT-2's own blocks, called one after another."""
    base = model.transformer
    hidden, found = base.wte(torch.tensor([ids])), []
    for layer, block in enumerate(base.h):
        allowed = [[sees(q, k, spans, layer) for k in range(len(ids))] for q in range(len(ids))]
        mask = torch.zeros(1, 1, len(ids), len(ids)).masked_fill(~torch.tensor(allowed), torch.finfo().min)
        if layer == detach:
            hidden = hidden.detach()
        hidden = block(hidden, attention_mask=mask)
        found.append(hidden[0])
    found[-1] = base.ln_f(found[-1])
    return found


def naive(model, negatives: str, detach: int | None, autoencode: bool) -> tuple[torch.Tensor, torch.Tensor]:
    token_losses, predicted, targets, itself = [], [], [], []
    for head, relation, mask, tail, _ in SAMPLES:
        ids = [*head, relation, mask, *tail]
        spans = ["e1"] * len(head) + ["r", "m"] + ["e2"] * len(tail)
        rows = states(model, ids, spans, detach)
        place = len(head) + 1
        logits = model.lm_head(rows[2])
        token_losses += [cross_entropy(logits[place + i], torch.tensor(t)) for i, t in enumerate(tail)]
        predicted.append(rows[1][place])
        targets.append((tuple(tail), rows[0][-1]))
        if autoencode:
            again = states(model, [*head, mask, *head], ["e1"] * len(head) + ["m"] + ["e2"] * len(head), detach)
            token_losses += [
                cross_entropy(model.lm_head(again[2])[len(head) + i], torch.tensor(t)) for i, t in enumerate(head)
            ]
            itself.append((again[1][len(head)], (tuple(head), rows[0][len(head) - 1])))
    distances = contrasts(model, negatives, predicted, targets)
    if autoencode:
        distances += contrasts(model, negatives, *zip(*itself, strict=True))
    return torch.stack(token_losses).mean(), torch.stack(distances).mean()


def contrasts(model, negatives, predicted, targets) -> list[torch.Tensor]:
    """Contrasts each predicted state with its target (name, state) among all other targets or all other entities."""
    bank = dict(targets)
    if negatives == "bank":
        names = {tuple(name) for head, _, _, tail, _ in SAMPLES for name in (head, tail)}
        bank |= {name: states(model, list(name), ["e2"] * len(name), None)[0][-1] for name in names - bank.keys()}
    distances = []
    for state, (name, target) in zip(predicted, targets, strict=True):
        others = [bank[other] for other in bank if other != name]
        candidates = normalize(torch.stack([target, *others]), dim=-1)
        distances.append(cross_entropy(candidates @ normalize(state, dim=0) / TAU, torch.tensor(0)))
    return distances


@pytest.mark.parametrize("autoencode", [False, True])
@pytest.mark.parametrize("negatives", ["batch", "bank"])
@pytest.mark.parametrize("detach", [None, 2])
def test_equals_the_loop(negatives, detach, autoencode):
    model = concept_model("gpt2")
    objective = concept_objective(model, negatives, ntp_detach=detach, reversal=QuestionToEntity(autoencode=autoencode))
    out = objective(**small_batch())
    ntp, jepa = naive(model, negatives, detach, autoencode)
    assert out.ntp_loss.item() == pytest.approx(ntp.item(), rel=1e-5)
    assert out.jepa_loss.item() == pytest.approx(jepa.item(), rel=1e-5)
    assert gradient_error(gradients(objective, out.loss), gradients(objective, ntp + jepa)) < 1e-5


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_target_knows_nothing_of_the_question(kind, attention):
    """Another head and relation move the tail's state after the isolating layer by no bit."""
    objective = concept_objective(concept_model(kind, attention))
    batch = small_batch(SAMPLES[:1])
    other = {**batch, "input_ids": batch["input_ids"].clone()}
    other["input_ids"][0, :3] = torch.tensor([9, 8, 22])
    plans = [objective.plan(b) for b in (batch, other)]
    (_, first), (_, second) = (objective.embeddings(p, objective.hidden_states(p))[0] for p in plans)
    assert torch.equal(first, second)


def test_the_bank_is_what_stands_in_the_facts():
    objective = concept_objective(concept_model("llama"), "bank")
    plan = objective.plan(small_batch())
    ((_, target),) = objective.embeddings(plan, objective.hidden_states(plan))
    rows = objective.spec.candidates.index(plan.blocks[0].ids, plan.pairs[0].target.select)
    assert rows.tolist() == plan.pairs[0].candidate.tolist()
    assert torch.allclose(objective.candidate_states()[rows], target, atol=1e-6)


@pytest.mark.parametrize("gamma_ntp", [0.0, 1.0])
def test_what_a_detached_decoder_trains(gamma_ntp):
    """NTP alone reaches the last layer, the final norm and the head; JEPA alone the layers below."""
    objective = concept_objective(concept_model("gpt2"), ntp_detach=2, gamma_ntp=gamma_ntp, lambda_jepa=1 - gamma_ntp)
    found = gradients(objective, objective(**small_batch()).loss)
    moved = {name for name, gradient in found.items() if gradient.any()}
    decoder = {name for name in found if ".h.2." in name or "ln_f" in name or "lm_head" in name}
    assert moved
    assert moved <= (decoder if gamma_ntp else found.keys() - decoder)


@pytest.mark.parametrize("options", [{"gamma_ntp": 0.0}, {"ntp_detach": 2}])
def test_every_parameter_has_a_gradient_whatever_counts(options):
    """Processes that wait for each other need one, also of a batch in which nothing pays."""
    for filters in ([], [SampleTypeFilter(["test"])]):
        objective = concept_objective(concept_model("gpt2"), filters=filters, **options)
        objective(**small_batch()).loss.backward()
        assert [n for n, p in objective.named_parameters() if p.requires_grad and p.grad is None] == []


def test_layers_that_ntp_may_be_detached_after():
    for layer in (1, 3):
        with pytest.raises(ComponentError, match=f"ntp_detach: {layer}: .* name a layer from 2 to 2"):
            concept_objective(concept_model("gpt2"), ntp_detach=layer)


def test_no_positions_means_none():
    """Works as if the table were zero; it is saved as zeros and not trained, and the caller's own is left alone."""
    model, zeroed = concept_model("gpt2"), concept_model("gpt2")
    torch.nn.init.zeros_(zeroed.transformer.wpe.weight)
    before = model.transformer.wpe.weight.clone()
    losses = [concept_objective(each)(**small_batch()).loss for each in (model, zeroed)]
    assert torch.equal(*losses)
    objective = concept_objective(model)
    assert not objective.state_dict()["model.transformer.wpe.weight"].any()
    assert not model.transformer.wpe.weight.requires_grad
    objective.transformer.close()
    assert torch.equal(model.transformer.wpe.weight, before)
    assert model.transformer.wpe.weight.requires_grad
