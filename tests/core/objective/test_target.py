"""Target encoders: frozen, and a moving average, by hand, over steps and through checkpoints."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import jepa_core
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.spec import Ema
from jepa_core.training.trainer import JepaTrainer
from jepa_plugins.l2_distance import L2Distance
from tests.core.training.test_trainer import train
from tests.support import (
    FIRST_RELATION,
    SAMPLES,
    gradient_error,
    gradients,
    small_batch,
    small_model,
    small_objective,
    small_spec,
)
from tests.tiny_runs import REGISTRY, digest, run_tiny, tiny


def values(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def shifted(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("target", ["frozen", Ema(0.9)], ids=["frozen", "ema"])
def test_before_the_first_step_it_is_the_model_without_gradient(kind, target):
    objective, stopped = (small_objective(small_model(kind), 2, target=each) for each in (target, "stopped"))
    out, expected = objective(**small_batch()), stopped(**small_batch())
    assert out.loss.item() == pytest.approx(expected.loss.item(), rel=1e-6)
    gradient = gradients(objective, out.loss)
    assert gradient_error(gradient, gradients(stopped, expected.loss)) < 1e-6
    same = small_objective(small_model(kind), 2)
    assert gradient_error(gradient, gradients(same, same(**small_batch()).loss)) > 1e-3
    assert not any(p.requires_grad for p in objective.target_encoder.parameters())


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_targets_are_those_of_the_model_that_was(kind, layout):
    """The model has moved on: predictions are its own, targets the reversed facts as the old one has them."""
    model = small_model(kind).eval()
    options = {"distance": L2Distance(), "positions": "restart", "layout": layout}
    objective = small_objective(model, 1, target="frozen", **options).eval()
    old = copy.deepcopy(objective.target_encoder.model)
    shifted(model)
    plan = objective.plan(small_batch())
    ((predicted, target),) = objective.embeddings(plan, objective.hidden_states(plan))
    expected = []
    for head, relation, mask, tail, _ in (sample for sample in SAMPLES if sample[4] == "train"):
        inverse = relation + 1 if relation % 2 == FIRST_RELATION % 2 else relation - 1
        ids = torch.tensor([[*tail, inverse, mask, *head]])
        expected.append(old.base_model(input_ids=ids).last_hidden_state[0, -1])
    assert torch.allclose(target, torch.stack(expected), atol=1e-5)
    assert not target.requires_grad
    moved = small_objective(model, 1, **options).eval()
    ((own, _),) = moved.embeddings(plan, moved.hidden_states(plan))
    assert torch.equal(predicted, own)
    alone = objective.plan(small_batch()).blocks[1]
    assert torch.allclose(objective.embed(jepa_core.Samples(alone.ids, alone.tags)), target, atol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.75])
def test_an_average_after_one_step_by_hand(tmp_path, decay):
    """decay · before + (1 - decay) · after."""
    objective = small_objective(small_model(), target=Ema(decay))
    before = values(objective.model)
    train(tmp_path, SAMPLES, objective=objective, per_device_train_batch_size=5, learning_rate=0.1)
    after, average = values(objective.model), values(objective.target_encoder.model)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    for name in before:
        torch.testing.assert_close(average[name], decay * before[name] + (1 - decay) * after[name])


def test_it_follows_once_an_optimizer_step(tmp_path):
    """Two steps of three micro-batches: ½(½ w₀ + ½ w₁) + ½ w₂."""
    objective, seen = small_objective(small_model(), target=Ema(0.5)), []

    class Watch(jepa_core.training.trainer.TrainerCallback):
        def on_step_end(self, *args, **kwargs):
            seen.append(values(objective.model))

    start = values(objective.model)
    options = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 3, "learning_rate": 0.1}
    train(tmp_path, SAMPLES, objective=objective, callbacks=[Watch()], max_steps=2, **options)
    average = values(objective.target_encoder.model)
    for name, first in start.items():
        torch.testing.assert_close(average[name], (first + seen[0][name]) / 4 + seen[1][name] / 2)


def test_a_frozen_one_stays(tmp_path):
    objective = small_objective(small_model(), target="frozen")
    before = values(objective.target_encoder)
    train(tmp_path, SAMPLES, objective=objective, max_steps=3, learning_rate=0.1)
    assert all(torch.equal(before[name], value) for name, value in values(objective.target_encoder).items())
    assert not torch.equal(
        objective.model.transformer.wte.weight, objective.target_encoder.model.transformer.wte.weight
    )


def test_it_never_drops_out():
    objective = small_objective(small_model(resid_pdrop=0.5, embd_pdrop=0.5), target="frozen").train()
    assert objective.model.training
    plan = objective.plan(small_batch())
    targets = [objective.embeddings(plan, objective.hidden_states(plan))[0][1] for _ in range(2)]
    assert torch.equal(*targets)


@pytest.mark.parametrize("target", ["same", "stopped"])
def test_the_model_itself_needs_no_copy(target):
    assert small_objective(small_model(), target=target).target_encoder is None


def test_without_a_jepa_loss_there_is_none():
    assert small_objective(small_model(), target="frozen", lambda_jepa=0.0).target_encoder is None


def test_terms_share_one_pass_of_it():
    spec = small_spec(1, target="frozen")
    again = replace(spec.terms[0], name="again", distance=L2Distance())
    objective = JepaObjective(small_model(), replace(spec, terms=(*spec.terms, again)))
    passes = []
    objective.target_encoder.transformer.base.register_forward_hook(lambda *args: passes.append(1))
    out = objective(**small_batch())
    assert set(out.terms) == {"ntp", spec.terms[0].name, "again"}
    assert len(passes) == 1


EMA = ["objective.target={ema: 0.8}", "training.learning_rate=1e-2"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_tiny(folder, *EMA)
    return folder


def test_a_run_that_goes_on_has_the_same_average(whole, tmp_path, monkeypatch):
    """Stopped in the sixth step, from the checkpoint of the fourth: the same bits in the end."""
    folder, compute = tmp_path / "run", JepaTrainer.compute_loss

    def stopping(self, *args, **kwargs):
        if self.state.global_step == 5:
            raise KeyError("stopped")
        return compute(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyError, match="stopped"):
        patch.setattr(JepaTrainer, "compute_loss", stopping)
        run_tiny(folder, *EMA)
    assert run_tiny(folder, *EMA).state == "resumed"
    for name in ("model.safetensors", "components.safetensors"):
        assert digest(folder / "model" / name) == digest(whole / "model" / name)
    assert digest(folder / "metrics.json") == digest(whole / "metrics.json")


def test_a_finished_run_is_loaded_with_its_average(whole):
    saved = load_file(whole / "model" / "components.safetensors")
    again = jepa_core.load(whole, REGISTRY).objective
    average, model, start = (values(each) for each in (again.target_encoder.model, again.model, fresh(whole)))
    for name, value in average.items():
        assert torch.equal(value, saved[f"target_encoder.model.{name}"])
    assert any(not torch.equal(average[name], model[name]) for name in model)
    assert any(not torch.equal(average[name], start[name]) for name in model)
    assert jepa_core.assembly.load.evaluate_again(whole, registry=REGISTRY)["train"]["jepa_loss"] is not None


def fresh(folder):
    return jepa_core.build(tiny(folder, *EMA), REGISTRY).objective.model
