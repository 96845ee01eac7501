from __future__ import annotations

import warnings

import pytest
from pydantic import ValidationError
from transformers.training_args import TrainingArguments

from jepa_core.recipe.training_section import TrainingSection


def training(**values) -> TrainingSection:
    return TrainingSection.model_validate(values)


def arguments(**values) -> TrainingArguments:
    """The arguments that transformers makes of the section, on a machine of any kind."""
    return TrainingArguments(output_dir="unused", use_cpu=True, **training(**values).arguments())


def test_a_thousand_steps_unless_something_else_is_said():
    assert training().max_steps == 1000
    assert training(max_steps=None).max_steps == 1000
    assert training(num_train_epochs=2).max_steps is None


@pytest.mark.parametrize(
    "values",
    [
        {"max_steps": 7},
        {"num_train_epochs": 2.5},
        {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 4},
        {"learning_rate": 1e-5, "lr_scheduler_type": "cosine", "warmup_steps": 10},
        {
            "weight_decay": 3,
            "adam_beta1": 0.8,
            "adam_beta2": 0.98,
            "adam_epsilon": 1e-6,
            "max_grad_norm": 0.5,
        },
        {"optim": "adamw_torch", "logging_steps": 5, "save_total_limit": 1},
        {"bf16": True, "dataloader_num_workers": 1, "ddp_timeout": 60},
        {"report_to": ["tensorboard"]},
    ],
)
def test_each_value_arrives_in_transformers_under_its_own_name(values):
    made = arguments(**values)
    assert {name: getattr(made, name) for name in values} == values


def test_epochs_count_only_without_steps():
    assert arguments(num_train_epochs=2).max_steps == -1


def test_intervals():
    both = arguments(eval_steps=20, save_steps=30)
    assert (both.eval_strategy, both.eval_steps, both.save_strategy, both.save_steps) == (
        "steps",
        20,
        "steps",
        30,
    )
    none = arguments(save_steps=None)
    assert (none.eval_strategy, none.save_strategy) == ("no", "no")


def test_switches():
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        assert not arguments().torch_compile
    assert training(gradient_checkpointing=True).arguments()["gradient_checkpointing"] is True
    assert training(tf32=True).arguments()["tf32"] is True
    assert arguments(torch_compile=True).torch_compile
    assert arguments().report_to == []


@pytest.mark.parametrize(
    "values",
    [
        {"max_steps": 0},
        {"num_train_epochs": 0},
        {"max_steps": 5, "num_train_epochs": 1},
        {"warmup_steps": 5, "lr_scheduler_type": "constant"},
        {"warmup_steps": 0.1},
        {"learning_rate": "1e-3"},
        {"learning_rate": -1e-3},
        {"adam_beta1": 1.0},
        {"adam_epsilon": 0},
        {"adam_beta2": float("nan")},
        {"optim": "sgd"},
        {"lr_scheduler_type": "polynomial"},
        {"report_to": ["all"]},
        {"save_steps": 0},
        {"fp16": True},
        {"optim": "adamw_torch", "learning_rate": 1e31},
        *({name: 10**30} for name in ("max_steps", "per_device_train_batch_size", "gradient_accumulation_steps")),
        *({name: 10**30} for name in ("logging_steps", "eval_steps", "save_steps", "save_total_limit")),
        *({name: 10**30} for name in ("warmup_steps", "dataloader_num_workers", "ddp_timeout")),
        {"num_train_epochs": 1e30},
    ],
)
def test_refused(values):
    with pytest.raises(ValidationError):
        training(**values)


def test_a_constant_rate_can_warm_up_under_its_other_name():
    assert arguments(warmup_steps=5, lr_scheduler_type="constant_with_warmup").warmup_steps == 5
