"""The ``training`` section: the part of transformers' TrainingArguments that a recipe may set.

Everything else of TrainingArguments is refused with a reason: :mod:`jepa_core.recipe.refused_arguments`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jepa_core.registry.section import Conflict, Section

#: A thousand million: at a millisecond each, steps for twelve days; and still far from where 64 bits end.
MOST = 10**9
#: Samples of a micro-batch, or micro-batches of a step: all of a step is planned in memory before it runs.
MOST_AT_ONCE = 10**6
#: From here on PyTorch's loop over tensors can't convert the rate to fp32; the fused kernel makes infinite
#: weights of it, which are told.
MOST_RATE_OF_A_LOOP = 1e30

#: Keys not handed on to transformers as they are; fsdp it would leave to accelerate, which does it on GPUs alone.
_OTHERWISE = ("eval_steps", "save_steps", "gradient_checkpointing", "fsdp", "fsdp_config")

Positive = Annotated[int, Field(ge=1, le=MOST)]
AtOnce = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]

#: Keys of transformers' fsdp_config that a recipe may not set, and why.
_NOT_HERE = {
    "activation_checkpointing": "set training.gradient_checkpointing",
    "auto_wrap_policy": "each layer is a unit, all the rest is another",
    "cpu_offload": "not done here: nobody has tested it",
    "cpu_ram_efficient_loading": "not done here: each process reads the model once",
    "min_num_params": "each layer is a unit, all the rest is another",
    "state_dict_type": "checkpoints are in parts, model/ is whole",
    "transformer_layer_cls_to_wrap": "the layers are found without it",
}


class FsdpSection(Section):
    """Splitting the model among processes; the names are those of transformers' fsdp_config."""

    version: Literal[2] = Field(2, description="FSDP2; there is no other.")
    reshard_after_forward: bool = Field(
        True, description="Free a layer's weights after it ran and gather them again on the way back; less memory."
    )

    @model_validator(mode="before")
    @classmethod
    def _not_here(cls, data: object) -> object:
        if found := [key for key in _NOT_HERE if isinstance(data, dict) and key in data]:
            raise Conflict(*((key, _NOT_HERE[key]) for key in found))
        return data


class TrainingSection(Section):
    """The training; names and meanings are those of transformers.TrainingArguments."""

    max_steps: Positive | None = Field(
        None, description="Optimizer steps; 1000 where num_train_epochs is not given either."
    )
    num_train_epochs: float | None = Field(
        None, gt=0, le=MOST, allow_inf_nan=False, description="Passes over the training set, instead of max_steps."
    )
    per_device_train_batch_size: AtOnce = Field(
        256, description="Samples of a micro-batch on one device; a second view does not count."
    )
    gradient_accumulation_steps: AtOnce = Field(
        1, description="Micro-batches of an optimizer step; the gradient is that of one big batch."
    )
    learning_rate: Rate = Field(1e-3, description="Peak learning rate of AdamW.")
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = Field(
        "linear", description="How the learning rate goes on after the warm-up."
    )
    warmup_steps: int = Field(0, ge=0, le=MOST, description="Steps in which the rate rises from 0 to its peak.")
    weight_decay: Rate = Field(0.0, description="AdamW's decay; never of biases and norms.")
    adam_beta1: Beta = Field(0.9, description="Decay of AdamW's mean of gradients.")
    adam_beta2: Beta = Field(0.999, description="Decay of AdamW's mean of squared gradients.")
    adam_epsilon: float = Field(1e-8, gt=0, allow_inf_nan=False, description="AdamW's smallest divisor.")
    max_grad_norm: Rate = Field(1.0, description="Longer gradients are scaled down to this norm; 0: never.")
    optim: Literal["adamw_torch", "adamw_torch_fused"] = Field(
        "adamw_torch_fused", description="AdamW as a loop over tensors, or in one fused kernel (faster)."
    )
    logging_steps: Positive = Field(50, description="Steps between two lines of the log, each their average.")
    eval_steps: Positive | None = Field(None, description="Steps between two evaluations; null: only after training.")
    save_steps: Positive | None = Field(
        500, description="Steps between two checkpoints; null: none, so an interrupted run cannot resume."
    )
    save_total_limit: Positive | None = Field(2, description="Checkpoints kept; null: all.")
    bf16: bool = Field(False, description="Compute in bfloat16 where that is safe, keep weights as they are.")
    tf32: bool | None = Field(
        None, description="TF32 matrix products on NVIDIA GPUs since Ampere; null leaves PyTorch's setting."
    )
    gradient_checkpointing: bool = Field(
        False, description="Recompute activations in the backward pass: less memory, about a third slower."
    )
    fsdp: bool = Field(
        False, description="Split parameters, gradients and optimizer state among the processes (FSDP2)."
    )
    fsdp_config: FsdpSection = Field(
        default_factory=lambda: FsdpSection.model_validate({}), description="How fsdp splits the model."
    )
    torch_compile: bool = Field(False, description="Compile the model; pays on GPUs and long runs only.")
    dataloader_num_workers: int = Field(
        0, ge=0, le=1024, description="Processes that make and plan batches; 0: none beside."
    )
    dataloader_drop_last: bool = Field(
        False,
        description="Leave out an epoch's last micro-batch where it is smaller; losses that compare pairs want it.",
    )
    report_to: Annotated[tuple[Tracker, ...], Field(strict=False)] = Field(
        (), description="Trackers to log to beside metrics.jsonl; each has to be installed."
    )
    ddp_timeout: int = Field(
        1800, ge=1, le=366 * 24 * 3600, description="Seconds a process waits for another; at most a year."
    )

    @model_validator(mode="before")
    @classmethod
    def _some_length(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("max_steps") is None and data.get("num_train_epochs") is None:
            return {**data, "max_steps": 1000}
        return data

    @model_validator(mode="after")
    def _go_together(self) -> TrainingSection:
        problems = []
        if self.max_steps is not None and self.num_train_epochs is not None:
            problems.append(("num_train_epochs", "give either max_steps or num_train_epochs, the other null"))
        if self.warmup_steps and self.lr_scheduler_type == "constant":
            problems.append(("warmup_steps", "'constant' does not warm up; use 'constant_with_warmup'"))
        if self.learning_rate > MOST_RATE_OF_A_LOOP and self.optim == "adamw_torch":
            problems.append(("learning_rate", f"'adamw_torch' takes rates up to {MOST_RATE_OF_A_LOOP:g}"))
        if self.fsdp and self.torch_compile:
            problems.append(("torch_compile", "does not go with fsdp"))
        if problems:
            raise Conflict(*problems)
        return self

    def arguments(self) -> dict[str, Any]:
        """Keywords for TrainingArguments that mean the same."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self
            if value is not None and name not in _OTHERWISE
        }
        if self.gradient_checkpointing:  # transformers warns about its new name even where this is False
            plain["gradient_checkpointing"] = True
        return {**plain, **_every(self.eval_steps, "eval"), **_every(self.save_steps, "save")}


def _every(steps: int | None, what: str) -> dict[str, Any]:
    if steps is None:
        return {f"{what}_strategy": "no"}
    return {f"{what}_strategy": "steps", f"{what}_steps": steps}
