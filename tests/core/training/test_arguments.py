"""Every argument that a recipe's training section takes has an effect; each is shown here."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers.training_args
from torch import nn
from torch.distributed.fsdp import FSDPModule
from transformers import TrainerCallback
from transformers.integrations import integration_utils

from jepa_core.assembly.build import build
from jepa_core.assembly.trainer import check_training, planned_steps
from jepa_core.errors import RecipeError
from jepa_core.recipe.training_section import TrainingSection
from jepa_core.tensors import is_split
from jepa_core.training.arguments import training_arguments
from jepa_core.training.trainer import JepaTrainer
from tests.children import start_together
from tests.tiny_runs import REGISTRY, checkpoint_names, tiny

#: Of the tiny task: 25 training facts in batches of 8.
FACTS, BATCH = 25, 8


def trainer_of(folder: Path, *overrides: str) -> JepaTrainer:
    still = ("model.config.resid_pdrop=0", "objective.filters.1.rate=0", "training.save_steps=null")
    return build(tiny(folder, *still, *(f"training.{override}" for override in overrides)), REGISTRY, "cpu").trainer


def trained(folder: Path, *overrides: str, callback: TrainerCallback | None = None) -> JepaTrainer:
    trainer = trainer_of(folder, "max_steps=4", *overrides)
    if callback is not None:
        trainer.add_callback(callback)
    trainer.train()
    return trainer


def logged(trainer: JepaTrainer, name: str) -> list[Any]:
    return [line[name] for line in trainer.state.log_history if name in line]


class Watch(TrainerCallback):
    """Weights before training and after each step, and the gradient of each step as the optimizer gets it."""

    def __init__(self) -> None:
        self.weights: list[dict[str, torch.Tensor]] = []
        self.gradients: list[dict[str, torch.Tensor]] = []

    def on_train_begin(self, args, state, control, model, **kwargs):
        self.weights.append({name: p.detach().clone().double() for name, p in model.named_parameters()})

    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        self.gradients.append({name: p.grad.detach().clone().double() for name, p in model.named_parameters()})

    def on_step_end(self, args, state, control, model, **kwargs):
        self.on_train_begin(args, state, control, model)


def max_steps(folder: Path) -> None:
    assert [trained(folder / str(n), f"max_steps={n}").state.global_step for n in (3, 5)] == [3, 5]


def num_train_epochs(folder: Path) -> None:
    """Four batches an epoch, the last of one fact."""
    for number, (epochs, steps) in enumerate([(1, 4), (1.5, 6)]):
        trainer = trainer_of(folder / str(number), "max_steps=null", f"num_train_epochs={epochs}")
        assert planned_steps(trainer) == steps
        trainer.train()
        assert trainer.state.global_step == steps


def batch_sizes(trainer: JepaTrainer) -> list[int]:
    return [len(plan.blocks[0].sample) for plan in trainer.get_train_dataloader()]


def per_device_train_batch_size(folder: Path) -> None:
    assert batch_sizes(trainer_of(folder, "per_device_train_batch_size=10")) == [10, 10, 5]


def dataloader_drop_last(folder: Path) -> None:
    assert batch_sizes(trainer_of(folder)) == [8, 8, 8, 1]
    assert batch_sizes(trainer_of(folder, "dataloader_drop_last=true")) == [8, 8, 8]


def gradient_accumulation_steps(folder: Path) -> None:
    calls = []

    class Count(TrainerCallback):
        def on_substep_end(self, *args, **kwargs):
            calls.append("micro-batch")

        def on_step_end(self, *args, **kwargs):
            calls.append("step")

    trained(folder, "gradient_accumulation_steps=2", "max_steps=2", callback=Count())
    assert calls == ["micro-batch", "step"] * 2


def learning_rate(folder: Path) -> None:
    """AdamW's first step moves every weight that has a gradient by the rate."""
    watch = Watch()
    trained(folder, "learning_rate=0.0625", "max_steps=1", callback=watch)
    before, after = watch.weights
    moved = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert moved == pytest.approx(0.0625, rel=1e-3)


def rates(kind: str, warmup: int, steps: int) -> list[float]:
    """The rates by hand, as shares of the peak."""

    def share(t: int) -> float:
        if t < warmup:
            return t / warmup
        left = (steps - t) / (steps - warmup)
        falling = {"linear": left, "cosine": (1 + math.cos(math.pi * (1 - left))) / 2}
        return falling.get(kind, 1.0)

    return [share(t) for t in range(steps)]


def lr_scheduler_type(folder: Path) -> None:
    for kind in ("linear", "cosine", "constant", "constant_with_warmup"):
        warmup = 0 if kind == "constant" else 2
        options = (f"lr_scheduler_type={kind}", f"warmup_steps={warmup}", "max_steps=6", "learning_rate=0.01")
        found = logged(trained(folder / kind, *options), "learning_rate")
        assert found == pytest.approx([0.01 * share for share in rates(kind, warmup, 6)]), kind


def warmup_steps(folder: Path) -> None:
    found = logged(trained(folder, "warmup_steps=3", "learning_rate=0.03", "max_steps=4"), "learning_rate")
    assert found == pytest.approx([0.0, 0.01, 0.02, 0.03])


def adamw(folder: Path, **options: float) -> None:
    """Against AdamW by hand (Loshchilov and Hutter 2019, algorithm 2), in float64, over three steps."""
    o: dict[str, Any] = {"weight_decay": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8} | options
    watch, rate = Watch(), 0.01
    fixed = (f"learning_rate={rate}", "lr_scheduler_type=constant", "max_steps=3", "max_grad_norm=0")
    trained(folder, *fixed, *(f"{name}={value}" for name, value in options.items()), callback=watch)
    for name, weight in watch.weights[0].items():
        kept = "bias" in name or ".ln_" in name  # no decay of these
        m = v = torch.zeros_like(weight)
        for t, gradient in enumerate(watch.gradients, start=1):
            g = gradient[name]
            weight = weight * (1 - rate * o["weight_decay"] * (not kept))
            m, v = (b * mean + (1 - b) * x for b, mean, x in ((o["adam_beta1"], m, g), (o["adam_beta2"], v, g * g)))
            m_hat, v_hat = m / (1 - o["adam_beta1"] ** t), v / (1 - o["adam_beta2"] ** t)
            weight = weight - rate * m_hat / (v_hat.sqrt() + o["adam_epsilon"])
        assert torch.allclose(weight, watch.weights[-1][name], atol=2e-6), name


def weight_decay(folder: Path) -> None:
    adamw(folder, weight_decay=3.0, adam_epsilon=0.1)


def adam_beta1(folder: Path) -> None:
    adamw(folder, adam_beta1=0.5, adam_epsilon=0.1)


def adam_beta2(folder: Path) -> None:
    adamw(folder, adam_beta2=0.6, adam_epsilon=0.1)


def adam_epsilon(folder: Path) -> None:
    adamw(folder, adam_epsilon=0.5)


def max_grad_norm(folder: Path) -> None:
    def norm(value: float) -> float:
        watch = Watch()
        trained(folder / str(value), f"max_grad_norm={value}", "max_steps=1", callback=watch)
        return math.sqrt(sum(float(g.square().sum()) for g in watch.gradients[0].values()))

    whole = norm(0)
    assert whole > 0.1
    assert norm(0.05) == pytest.approx(0.05, rel=1e-3)
    assert norm(100) == pytest.approx(whole)


def optim(folder: Path) -> None:
    for name, fused in (("adamw_torch", False), ("adamw_torch_fused", True)):
        optimizer: Any = trained(folder / name, f"optim={name}", "max_steps=1").optimizer
        assert bool(optimizer.optimizer.defaults["fused"]) is fused


def logging_steps(folder: Path) -> None:
    history = trained(folder, "logging_steps=2", "max_steps=5").state.log_history
    assert [line["step"] for line in history if "loss" in line] == [2, 4, 5]


def eval_steps(folder: Path) -> None:
    history = trained(folder, "eval_steps=2", "max_steps=5").state.log_history
    assert [line["step"] for line in history if "eval_test_mrr" in line] == [2, 4, 5]
    assert not logged(trained(folder / "none", "eval_steps=null"), "eval_test_mrr")


def save_steps(folder: Path) -> None:
    trained(folder, "save_steps=2", "max_steps=5")
    assert checkpoint_names(folder) == ["checkpoint-2", "checkpoint-4", "checkpoint-5"]
    trained(folder / "none", "save_steps=null")
    assert checkpoint_names(folder / "none") == []


def save_total_limit(folder: Path) -> None:
    trained(folder, "save_steps=1", "save_total_limit=2")
    assert checkpoint_names(folder) == ["checkpoint-3", "checkpoint-4"]


def bf16(folder: Path) -> None:
    def computed_in(value: str) -> torch.dtype:
        trainer, seen = trainer_of(folder, f"bf16={value}", "max_steps=1"), []
        head: nn.Module = trainer.objective.transformer.lm_head
        head.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
        trainer.train()
        return seen[0]

    assert [computed_in(value) for value in ("false", "true")] == [torch.float32, torch.bfloat16]


def tf32(folder: Path) -> None:
    """A GPU without it says so, with the line; here is one that has it."""
    asked: list[bool] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transformers.training_args, "is_torch_tf32_available", lambda: True)
        patch.setattr(transformers.training_args, "enable_tf32", asked.append)
        for value in ("true", "false", "null"):
            trainer_of(folder, f"tf32={value}")
    assert asked == [True, False]
    with pytest.raises(RecipeError, match=r"training\.tf32: .*requires Ampere"):
        trainer_of(folder, "tf32=true")


def gradient_checkpointing(folder: Path) -> None:
    """Runs layers again; tests/end_to_end/test_training.py shows that the weights stay the same."""
    for value in (False, True):
        trainer = trainer_of(folder, f"gradient_checkpointing={str(value).lower()}")
        assert trainer.objective.transformer.blocks[0].gradient_checkpointing is value


def torch_compile(folder: Path) -> None:
    compiled = []

    def remember(model, *args, **kwargs):
        compiled.append(model)
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", remember)
        trained(folder, "max_steps=1")
        assert compiled == []
        trainer = trained(folder, "torch_compile=true", "max_steps=1")
    assert compiled == [trainer.objective]


def dataloader_num_workers(folder: Path) -> None:
    """Batches are made and planned in so many processes beside this one."""
    trainer, here = trainer_of(folder, "dataloader_num_workers=2"), os.getpid()
    plan: Any = trainer.objective.plan
    trainer.objective.plan = lambda *args, **kwargs: replace(plan(*args, **kwargs), step=os.getpid())  # type: ignore[method-assign]
    makers = {parcel.open().step for parcel in trainer.get_train_dataloader()}
    assert len(makers) == 2
    assert here not in makers


def report_to(folder: Path) -> None:
    class Tracker(TrainerCallback):
        told: list[dict] = []  # noqa: RUF012 - transformers makes the instance

        def on_log(self, args, state, control, logs=None, **kwargs):
            self.told.append(logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "trackio", Tracker)
        trained(folder / "none", "max_steps=2")
        assert Tracker.told == []
        trained(folder, "report_to=[trackio]", "max_steps=2")
    assert [logs["jepa_pairs"] for logs in Tracker.told if "loss" in logs]


def ddp_timeout(folder: Path) -> None:
    def one(rank: int) -> None:
        recipe = tiny(folder, "training.ddp_timeout=77")
        training_arguments(recipe, folder, use_cpu=True)
        group: Any = torch.distributed.distributed_c10d._get_default_group()
        timeout = group._get_backend(torch.device("cpu")).options._timeout
        torch.distributed.destroy_process_group()
        assert timeout == timedelta(seconds=77)

    assert [child.wait() for child in start_together(1, one)] == [0]


def split_after_forward(folder: Path, *overrides: str) -> bool:
    """Tells whether a layer's weights are given back after it ran, in each of two processes; all are split before."""
    if not hasattr(FSDPModule, "set_reduce_scatter_unused_params"):
        pytest.skip("needs torch 2.13; tests/core/training/test_sharding.py sees older ones refused")

    def one(rank: int) -> None:
        trainer = trainer_of(folder, "fsdp=true", *overrides)
        objective, layer = trainer.objective, trainer.objective.transformer.blocks[0]
        assert all(is_split(p) for p in objective.parameters())
        batch = trainer.train_dataset.__getitems__(range(4))
        objective(plan=objective.plan(batch))
        split = {is_split(p) for p in layer.parameters()}
        torch.distributed.destroy_process_group()
        raise SystemExit(10 + split.pop() if len(split) == 1 else 1)

    first, second = [child.wait() for child in start_together(2, one)]
    assert first == second
    return {10: False, 11: True}[first]


def fsdp(folder: Path) -> None:
    assert split_after_forward(folder)
    assert not any(is_split(p) for p in trainer_of(folder, "fsdp=true").model.parameters())  # one has it all


def fsdp_config(folder: Path) -> None:
    assert not split_after_forward(folder, "fsdp_config.reshard_after_forward=false")


EFFECTS: dict[str, Callable[[Path], None]] = {name: globals()[name] for name in TrainingSection.model_fields}


@pytest.mark.parametrize("name", EFFECTS)
def test_each_argument_has_its_effect(name, tmp_path):
    EFFECTS[name](tmp_path)


@pytest.mark.parametrize(("batch", "processes"), [(FACTS + 1, 1), (FACTS // 2 + 1, 2)])
def test_an_epoch_without_a_full_batch_is_refused(tmp_path, monkeypatch, batch, processes):
    """Nothing would ever be trained."""
    options = ("training.dataloader_drop_last=true", f"training.per_device_train_batch_size={batch}")
    run = build(tiny(tmp_path / "run", *options), REGISTRY, "cpu")
    monkeypatch.setattr(transformers.TrainingArguments, "world_size", processes)
    with pytest.raises(RecipeError, match=rf"drop_last: leaves nothing: 25 training .* a batch of {batch * processes}"):
        check_training(run)
    with pytest.raises(RecipeError, match="leaves nothing"):
        _ = run.trainer
    assert not (tmp_path / "run").exists()


def test_a_full_batch_is_enough(tmp_path):
    options = ("dataloader_drop_last=true", f"per_device_train_batch_size={FACTS}")
    assert trained(tmp_path, *options, "max_steps=2").state.global_step == 2
