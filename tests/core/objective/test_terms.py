"""Several JEPA terms: their loss is the sum, and each is what it is by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.terms import ObjectiveOutput, Term
from jepa_core.verify.naive import naive_losses
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.l2_distance import L2Distance
from jepa_plugins.last_token import LastToken
from jepa_plugins.linear_predictor import LinearPredictor
from jepa_plugins.sample_type import SampleTypeFilter
from tests.core.training.test_trainer import train, weights
from tests.support import SAMPLES, gradient_error, gradients, small_batch, small_model, small_objective, small_spec

TOLERANCE = 1e-5


def first(**options):
    """The reversed fact, by cosine, of train samples."""
    return small_spec(2, positions="restart", **{"weight": 0.5, **options})


def second(**options):
    """A second term, from the question to the entity in a block of its own, by another distance at other layers, of all samples."""
    parts = {
        "reversal": QuestionToEntity(apart=True),
        "distance": L2Distance(),
        "embedding": (LastToken(tag=Role.MASK), LastToken(layer=1)),
        "filters": (SampleTypeFilter([SampleType.TRAIN, SampleType.ATOMIC]),),
        "name": "entity",
        "weight": 3.0,
    }
    return small_spec(2, positions="restart", **{**parts, **options})


def both(**options):
    return replace(first(**options), terms=(first().terms[0], second().terms[0]))


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_the_loss_is_the_sum_and_each_is_as_by_itself(kind, layout):
    objective = JepaObjective(small_model(kind), both(layout=layout, gamma_ntp=0.7))
    out = objective(**small_batch())
    assert [(name, term.count, term.weight) for name, term in out.terms.items()] == [
        ("ntp", 9, 0.7),
        ("jepa", 3, 0.5),
        ("entity", 5, 3.0),
    ]
    ntp = small_objective(small_model(kind), 2, positions="restart", lambda_jepa=0.0, gamma_ntp=0.7)
    alone = [JepaObjective(small_model(kind), make(gamma_ntp=0.0)) for make in (first, second)]
    parts = [each(**small_batch()) for each in (ntp, *alone)]
    found = [out.ntp_loss, out.means["jepa"], out.means["entity"]]
    expected = [parts[0].ntp_loss, parts[1].jepa_loss, parts[2].means["entity"]]
    assert [float(x) for x in found] == pytest.approx([float(x) for x in expected], rel=TOLERANCE)
    assert out.loss.item() == pytest.approx(sum(float(part.loss.detach()) for part in parts), rel=TOLERANCE)
    of_parts = [gradients(each, part.loss) for each, part in zip((ntp, *alone), parts, strict=True)]
    total = {name: sum(each[name] for each in of_parts) for name in of_parts[0]}
    assert gradient_error(gradients(objective, out.loss), total) < TOLERANCE
    for name, term in out.terms.items():
        assert float(term.sum) == pytest.approx(float(out.means[name]) * term.count, rel=1e-6)


@pytest.mark.parametrize("positions", ["continue", "restart", "none"])
def test_against_the_naive_passes(positions):
    """The second term's block comes behind the first one's, with positions that continue."""
    objective = JepaObjective(small_model().eval(), replace(both(), positions=positions)).eval()
    out, naive = objective(**small_batch()), naive_losses(objective, small_batch())
    assert naive.loss.item() == pytest.approx(out.loss.item(), rel=TOLERANCE)
    assert gradient_error(gradients(objective, naive.loss), gradients(objective, out.loss)) < TOLERANCE


def test_what_is_said_of_the_first_term_is_of_the_first():
    objective = JepaObjective(small_model(), both())
    out = objective(**small_batch())
    assert torch.equal(out.jepa_loss, out.means["jepa"])
    assert out.jepa_pairs == objective.plan(small_batch()).jepa_pairs == 3 + 5
    only_second = [sample for sample in SAMPLES if sample[4] == "atomic"]
    out = objective(**small_batch(only_second))
    assert (out.jepa_loss, out.jepa_pairs, list(out.terms)) == (None, 2, ["ntp", "entity"])


def test_output_by_hand():
    """The mean of a term is over the step's denominator, which need not be its own count."""
    terms = {"ntp": Term(torch.tensor(6.0), 3, 1.0), "jepa": Term(torch.tensor(1.0), 2, 0.5)}
    out = ObjectiveOutput(torch.tensor(2.0), terms, {"ntp": torch.tensor(1.0), "jepa": torch.tensor(0.25)})
    assert (float(out.ntp_loss), float(out.jepa_loss), out.jepa_pairs) == (1.0, 0.25, 2)
    nothing = ObjectiveOutput(torch.tensor(0.0), {}, {"ntp": torch.tensor(0.0)})
    assert (float(nothing.ntp_loss), nothing.jepa_loss, nothing.jepa_pairs) == (0.0, None, 0)


def test_parts_of_a_step_add_up():
    """Each term over its own count of the whole step; the samples one by one."""
    objective = JepaObjective(small_model(), both())
    together = objective(**small_batch())
    counts = {name: term.count for name, term in together.terms.items()}
    parts = [objective(**small_batch([sample]), counts=counts) for sample in SAMPLES]
    assert float(sum(part.loss for part in parts).detach()) == pytest.approx(together.loss.item(), rel=1e-6)
    for name in counts:
        found = sum(float(part.terms[name].sum) for part in parts if name in part.terms)
        assert found == pytest.approx(float(together.terms[name].sum), rel=1e-6)


@pytest.mark.parametrize("micro", [1, 2, 5])
def test_accumulation_gives_the_step_of_one_batch(tmp_path, micro):
    samples, before = SAMPLES * 2, torch.cat([p.detach().flatten().double() for p in small_model().parameters()])
    whole, parts = (
        train(
            tmp_path,
            samples,
            objective=JepaObjective(small_model(), both()),
            per_device_train_batch_size=size,
            gradient_accumulation_steps=10 // size,
        )
        for size in (10, micro)
    )
    assert (weights(parts) - weights(whole)).norm() / (weights(whole) - before).norm() < 1e-6
    logs = [trainer.state.log_history[0] for trainer in (whole, parts)]
    for name in ("loss", "ntp_loss", "jepa_loss", "jepa_pairs", "entity_loss", "entity_pairs"):
        assert logs[0][name] == pytest.approx(logs[1][name], rel=1e-6), name
    assert (logs[0]["jepa_pairs"], logs[0]["entity_pairs"]) == (6, 10)


def test_their_parameters_have_names_of_their_own():
    """The first term's are named as in runs with one."""
    spec = both()
    terms = [replace(term, predictor=LinearPredictor(32)) for term in spec.terms]
    objective = JepaObjective(small_model(), replace(spec, terms=tuple(terms)))
    names = {name for name, _ in objective.named_parameters() if not name.startswith("model.")}
    assert names == {"predictor.map.weight", "parts.entity_predictor.map.weight"}
    objective(**small_batch()).loss.backward()
    assert all(term.predictor.map.weight.grad.any() for term in terms)
