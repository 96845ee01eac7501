"""The trainer: exact denominators and honest logs."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import TrainingArguments

from jepa_core.training.callbacks import MetricsFile
from jepa_core.training.trainer import JepaTrainer
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.support import SAMPLES, small_model, small_objective, small_set


def train(tmp_path, samples, *, callbacks=(), objective=None, filters=None, **options: Any) -> JepaTrainer:
    """Plain SGD with learning rate 1 and no clipping, so that the weights change by the gradient."""
    defaults = {"optim": "sgd", "learning_rate": 1.0, "lr_scheduler_type": "constant", "max_grad_norm": 0.0}
    defaults |= {"max_steps": 1, "logging_steps": 1, "save_strategy": "no", "weight_decay": 0.0}
    defaults |= {"use_cpu": True}
    args = TrainingArguments(
        output_dir=str(tmp_path),
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
    """A window over unequal batches, without learning, shows the means over all labels and pairs in it."""
    logs = train(
        tmp_path, SAMPLES, learning_rate=0.0, per_device_train_batch_size=2, max_steps=3, logging_steps=3
    ).state.log_history[0]
    out = small_objective(small_model())(**small_set().__getitems__(range(5)))
    assert logs["ntp_loss"] == pytest.approx(float(out.ntp_loss), rel=1e-5)
    assert logs["jepa_loss"] == pytest.approx(float(out.jepa_loss), rel=1e-5)
    assert logs["jepa_pairs"] == 1.0  # three pairs in three steps


@pytest.mark.parametrize(("steps", "expected"), [(2, [2]), (3, [3]), (4, [3, 4]), (7, [3, 6, 7])])
def test_the_last_step_is_logged_however_short_the_run(tmp_path, steps, expected):
    """A run of fewer steps than logging_steps would say nothing of its losses."""
    logs = train(tmp_path, SAMPLES, learning_rate=0.0, max_steps=steps, logging_steps=3).state.log_history
    lines = [line for line in logs if "loss" in line]
    assert [line["step"] for line in lines] == expected
    assert all(line["ntp_loss"] == pytest.approx(lines[0]["ntp_loss"], rel=1e-5) for line in lines)


def test_no_pair_no_key(tmp_path):
    atomic = [sample for sample in SAMPLES if sample[4] == "atomic"]
    logs = train(tmp_path, atomic).state.log_history[0]
    assert "jepa_loss" not in logs
    assert logs["jepa_pairs"] == 0


def test_metrics_file_drops_the_steps_that_run_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "kept": 1}\n{"step": 7, "kept": 0}\n{"step": 1, "ke')
    train(tmp_path, SAMPLES, callbacks=[MetricsFile(path)], max_steps=2, logging_steps=1)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines[:3]] == [0, 1, 2]
    assert {"loss", "ntp_loss", "jepa_loss", "jepa_pairs", "grad_norm", "learning_rate"} <= lines[1].keys()


@pytest.mark.parametrize("bad", [b"\xff\xfe", b'{"step": "4"}', b'{"step": null}', b"[" * 9999, b"", b"7", b"{}"])
def test_a_line_of_the_log_that_nobody_can_read_costs_itself_and_is_told(tmp_path, bad):
    path, said = tmp_path / "metrics.jsonl", []
    path.write_bytes(b'{"step": 1}\n' + bad + b'\n{"step": 2}\n{"step": 3}\n')
    state = SimpleNamespace(is_world_process_zero=True, global_step=2)
    MetricsFile(path, said.append).on_train_begin(None, state, None)
    assert path.read_bytes() == b'{"step": 1}\n{"step": 2}\n'
    assert said == [f"warning: {path}:2: no line of a run's log; left out"]


def test_a_log_that_is_another_file_too_gets_no_more_lines_there(tmp_path):
    """The other file may be a backup that shares what did not change."""
    path, other = tmp_path / "metrics.jsonl", tmp_path / "backup"
    other.write_bytes(b'{"step": 1}\n')
    os.link(other, path)
    file = MetricsFile(path)
    state = SimpleNamespace(is_world_process_zero=True, global_step=1)
    file.on_train_begin(None, state, None)
    file.on_log(None, state, None, logs={"loss": 1.0})
    assert other.read_bytes() == b'{"step": 1}\n'
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 1]


def test_a_log_of_which_nothing_runs_again_is_not_touched(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2}\n')
    before = path.stat()
    MetricsFile(path).on_train_begin(None, SimpleNamespace(is_world_process_zero=True, global_step=2), None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_bfloat16_trains_like_float32(tmp_path, kind, layout):
    """Products in bf16, weights and losses in fp32: three digits of the losses, and learning as fast."""
    logs = []
    for bf16 in (False, True):
        objective = small_objective(small_model(kind), k=2, layout=layout)
        trainer = train(
            tmp_path,
            SAMPLES,
            objective=objective,
            bf16=bf16,
            optim="adamw_torch_fused",
            max_steps=30,
            learning_rate=1e-2,
        )
        assert {p.dtype for p in objective.parameters()} == {torch.float32}
        logs.append(trainer.state.log_history)
    for name in ("ntp_loss", "jepa_loss"):
        assert logs[1][0][name] == pytest.approx(logs[0][0][name], rel=2e-2)
        assert logs[1][0][name] != logs[0][0][name]
    assert logs[1][29]["ntp_loss"] < 0.3 * logs[1][0]["ntp_loss"]
    assert logs[1][29]["ntp_loss"] == pytest.approx(logs[0][29]["ntp_loss"], abs=0.1)
