"""The gradient of one optimizer step, and the weights after a few, made by the real trainer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import Subset
from transformers import TrainerCallback

from jepa_core.assembly.build import Run
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.training.arguments import training_arguments
from jepa_core.training.sampler import EpochSampler
from jepa_core.training.trainer import JepaTrainer
from jepa_core.verify.context import copied, relaid

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainerControl, TrainerState, TrainingArguments

#: Settings of a single step that change nothing of the gradient and keep nothing.
ONE_STEP = {
    "max_steps": 1,
    "num_train_epochs": None,
    "learning_rate": 0.0,
    "lr_scheduler_type": "constant",
    "warmup_steps": 0,
    "max_grad_norm": 0.0,
    "save_steps": None,
    "eval_steps": None,
    "logging_steps": 1,
    "report_to": (),
    "bf16": False,
    "tf32": None,
    "torch_compile": False,
    "gradient_checkpointing": False,
    "dataloader_num_workers": 0,
    "dataloader_drop_last": False,
    "optim": "sgd",
}


def step_gradient(run: Run, rows: Sequence[int], micro_batch: int, accumulate: int) -> dict[str, Tensor]:
    """Parameter -> gradient of a step over these training samples, in `accumulate` micro-batches.

    Runs on a copy of the model in float32, its own dropout off; the loss dropout of the recipe stays on. With several
    processes `micro_batch` is the size in each.
    """
    model: PreTrainedModel = copied(run.objective).float().eval()
    # setattr: the trainer puts it in training mode, and dropout would differ between micro-batches
    setattr(model, "train", lambda mode=True: nn.Module.train(model, False))  # noqa: B010
    objective = relaid(run.objective, run.recipe.objective.layout, model)
    sizes = {"per_device_train_batch_size": micro_batch, "gradient_accumulation_steps": accumulate}
    training = run.recipe.training.model_copy(update={**ONE_STEP, **sizes})
    recipe = run.recipe.model_copy(update={"training": training})
    taken: dict[str, Tensor] = {}
    with TemporaryDirectory() as folder, torch.random.fork_rng():
        args = training_arguments(recipe, Path(folder), use_cpu=model.device.type == "cpu")
        chosen: Any = Subset(run.train_dataset, list(rows))  # type: ignore[arg-type]
        InOrder(objective, args, chosen, dict, [Take(objective, taken)]).train()
    return taken


#: Settings of a few steps, with the optimizer and the learning rate of the recipe from the first step on.
FEW_STEPS = {name: value for name, value in ONE_STEP.items() if name not in ("learning_rate", "max_grad_norm", "optim")}


def trained(run: Run, spec: ObjectiveSpec, rows: Sequence[int], steps: int) -> dict[str, Tensor]:
    """Parameter of the model -> its value after so many steps over these training samples, with this spec.

    Runs on a copy of the model in float32; its dropout is on, and the same each time.
    """
    objective = type(run.objective)(copied(run.objective).float(), spec)
    sizes = {"per_device_train_batch_size": len(rows) // steps, "gradient_accumulation_steps": 1, "max_steps": steps}
    training = run.recipe.training.model_copy(update={**FEW_STEPS, **sizes})
    recipe = run.recipe.model_copy(update={"training": training})
    with TemporaryDirectory() as folder, torch.random.fork_rng():
        args = training_arguments(recipe, Path(folder), use_cpu=objective.model.device.type == "cpu")
        chosen: Any = Subset(run.train_dataset, list(rows))  # type: ignore[arg-type]
        trainer = InOrder(objective, args, chosen, dict, [])
        torch.manual_seed(run.recipe.seed)
        trainer.train()
    return {name: parameter.detach().cpu() for name, parameter in objective.model.named_parameters()}


class InOrderSampler(EpochSampler):
    """Every sample once, in the order of the set."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.length))


class InOrder(JepaTrainer):
    """A trainer that reads the samples in order, so that micro-batches get unequal numbers of pairs."""

    def make_sampler(self, samples: Any) -> EpochSampler:
        return InOrderSampler(len(samples), seed=0)


class Take(TrainerCallback):
    """Copies the whole gradient, before the optimizer uses it."""

    def __init__(self, objective: nn.Module, taken: dict[str, Tensor]):
        self.objective, self.taken = objective, taken

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        for name, parameter in self.objective.named_parameters():
            if parameter.requires_grad:
                gradient = parameter.grad
                self.taken[name] = torch.zeros_like(parameter) if gradient is None else gradient.detach().cpu().clone()
