"""The trainer: exact denominators, honest logs, no NaN in the weights."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainingArguments

from jepa_core.training.callbacks import MetricsFile
from jepa_core.training.trainer import JepaTrainer, NonFiniteError
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.support import SAMPLES, small_model, small_objective, small_set


def train(tmp_path, samples, *, callbacks=(), objective=None, filters=None, **options: Any) -> JepaTrainer:
    """Plain SGD with learning rate 1 and no clipping, so that the weights change by the gradient."""
    defaults = {"optim": "sgd", "learning_rate": 1.0, "lr_scheduler_type": "constant", "max_grad_norm": 0.0}
    defaults |= {"max_steps": 1, "logging_steps": 1, "save_strategy": "no", "weight_decay": 0.0}
    args = TrainingArguments(
        output_dir=str(tmp_path),
        use_cpu=True,
        remove_unused_columns=False,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        **(defaults | options),
    )
    objective = objective or small_objective(small_model(), filters=filters or [SampleTypeFilter()])
    trainer = JepaTrainer(objective, args, small_set(samples), dict, list(callbacks))
    trainer.train()
    return trainer


def weights(trainer: JepaTrainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten().double() for p in trainer.objective.parameters()])


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("micro", [1, 2, 5])
def test_accumulation_gives_the_gradient_of_one_big_batch(tmp_path, micro, dropout):
    """Micro-batches differ in labelled tokens and in counted pairs; some have none."""
    samples = SAMPLES * 2
    filters = [SampleTypeFilter(), LossDropout(dropout)]
    before = torch.cat([p.detach().flatten().double() for p in small_model().parameters()])
    whole = train(tmp_path, samples, filters=filters, per_device_train_batch_size=10)
    parts = train(
        tmp_path,
        samples,
        filters=filters,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=10 // micro,
    )
    step = weights(whole) - before
    assert (weights(parts) - weights(whole)).norm() / step.norm() < 1e-6
    logs = [t.state.log_history[0] for t in (whole, parts)]
    for name in ("loss", "ntp_loss", "jepa_loss", "jepa_pairs"):
        assert logs[0][name] == pytest.approx(logs[1][name], rel=1e-6)


def test_logs_are_means_over_the_window(tmp_path):
    """Without learning, a window over unequal batches shows the means over all labels and pairs in it."""
    logs = train(
        tmp_path, SAMPLES, learning_rate=0.0, per_device_train_batch_size=2, max_steps=3, logging_steps=3
    ).state.log_history[0]
    out = small_objective(small_model())(**small_set().__getitems__(range(5)))
    assert logs["ntp_loss"] == pytest.approx(float(out.ntp_loss), rel=1e-5)
    assert logs["jepa_loss"] == pytest.approx(float(out.jepa_loss), rel=1e-5)
    assert logs["jepa_pairs"] == 1.0  # three pairs in three steps


def test_no_pair_no_key(tmp_path):
    atomic = [sample for sample in SAMPLES if sample[4] == "atomic"]
    logs = train(tmp_path, atomic).state.log_history[0]
    assert "jepa_loss" not in logs
    assert logs["jepa_pairs"] == 0


@pytest.mark.parametrize("term", ["jepa_loss", "ntp_loss", "gradient"])
def test_a_non_finite_term_never_reaches_the_weights(tmp_path, term):
    state = {"poisoned": False}

    class Distance:
        def __call__(self, predicted, target):
            distance = (predicted - target).square().sum(-1)
            if not state["poisoned"]:
                return distance
            return distance * float("nan") if term == "jepa_loss" else (predicted - target).norm(dim=-1)

    class Arm(TrainerCallback):
        def on_step_begin(self, args, control_state, control, **kwargs):
            if control_state.global_step == 2:
                state["poisoned"] = True
                state["weights"] = [p.detach().clone() for p in objective.parameters()]

    objective = small_objective(small_model(), distance=Distance())
    if term == "ntp_loss":
        head = objective.transformer.head
        head.register_forward_hook(lambda m, i, o: o * float("inf") if state["poisoned"] else o)
    if term == "gradient":
        head = objective.transformer.head
        head.register_full_backward_hook(
            lambda m, i, o: tuple(g * float("inf") for g in i) if state["poisoned"] else None
        )
    with pytest.raises(
        NonFiniteError, match=f"{term} is not finite at step 3; the weights are those of step 2"
    ):
        train(tmp_path, SAMPLES, objective=objective, callbacks=[Arm()], max_steps=5, learning_rate=0.01)
    assert all(torch.equal(a, b) for a, b in zip(state["weights"], objective.parameters(), strict=True))


def test_metrics_file_drops_the_steps_that_run_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "kept": 1}\n{"step": 7, "kept": 0}\n{"step": 1, "ke')
    train(tmp_path, SAMPLES, callbacks=[MetricsFile(path)], max_steps=2, logging_steps=1)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines[:3]] == [0, 1, 2]
    assert {"loss", "ntp_loss", "jepa_loss", "jepa_pairs", "grad_norm", "learning_rate"} <= lines[1].keys()
