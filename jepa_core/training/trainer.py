"""The trainer: transformers' own, with exact denominators and the JEPA terms in its logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.utils.data import DataLoader, Sampler
from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback, TrainingArguments

from jepa_core.data.fact_set import collate
from jepa_core.errors import JepaError
from jepa_core.objective.objective import JepaObjective
from jepa_core.saving import load_weights, save_weights
from jepa_core.training.sampler import EpochSampler, forward_epochs
from jepa_core.training.window import LossWindow, StepCounts

SplitMetrics = dict[str, dict[str, Any]]


class NonFiniteError(JepaError):
    """A loss term or the gradient became NaN or infinite; the weights were not touched by that step."""


class JepaTrainer(Trainer):
    """Trains a :class:`~jepa_core.objective.objective.JepaObjective`.

    An optimizer step is planned on the host before it runs, so its denominators (labelled tokens and counted
    pairs over all micro-batches and processes) are known: one big batch, accumulated micro-batches and n
    processes give the same gradient.

    evaluate_splits: gives the metrics of every split, when the recipe asks for evaluation while training.
    """

    objective: JepaObjective

    def __init__(
        self,
        objective: JepaObjective,
        args: TrainingArguments,
        train_dataset: Any,
        evaluate_splits: Callable[[], SplitMetrics],
        callbacks: list[TrainerCallback],
    ):
        self.objective = objective
        super().__init__(
            model=objective,
            args=args,
            train_dataset=train_dataset,
            eval_dataset={},
            data_collator=collate,
            callbacks=callbacks,
        )
        self.evaluate_splits = evaluate_splits
        self.window = LossWindow()
        self.loss_is_scaled_for_ga = True  # compute_loss divides by the whole step's counts
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        train_dataset = self.train_dataset if train_dataset is None else train_dataset
        return EpochSampler(len(train_dataset), self.args.seed)

    def get_train_dataloader(self) -> DataLoader:
        loader = super().get_train_dataloader()
        loader.device = None  # batches stay on the host, where they are planned; the plan moves
        forward_epochs(loader)
        return loader

    def get_batch_samples(self, epoch_iterator: Iterator, num_batches: int, device: torch.device) -> tuple[list, Any]:
        """Plans a whole optimizer step. The second value is its :class:`StepCounts`."""
        began = time.monotonic()
        self.objective.train()
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        plans = [self.objective.plan(batch, self.state.global_step) for batch in batches]
        own = [sum(column) for column in zip(*((p.labels, p.jepa_pairs, p.tokens) for p in plans), strict=True)]
        counts = _over_processes(own or [0, 0, 0], device)
        if plans:
            self.window.start_step(counts, began)
        return [{"plan": plan} for plan in plans], counts

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"plan": inputs["plan"].to(self.args.device)}

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        counts: StepCounts = num_items_in_batch
        out = model(plan=inputs["plan"], ntp_count=max(counts.labels, 1), jepa_count=max(counts.pairs, 1))
        self.window.add(out, counts)
        loss = out.loss * self.args.world_size  # DDP averages gradients over processes; this makes it a sum
        return (loss, out) if return_outputs else loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Called between backward and the optimizer's step: the last place to stop a NaN."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if not torch.isfinite(torch.as_tensor(norm)):
            raise NonFiniteError(
                f"{self.window.bad_term()} is not finite at step {self.state.global_step + 1}; the weights are "
                f"those of step {self.state.global_step} (a smaller learning_rate or a max_grad_norm may help)"
            )
        return norm

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs |= self.window.means(self.args.device)
            self.window = LossWindow()
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The metrics of every split, flat: ``eval_train_mrr``, …; logged like any others."""
        began = time.monotonic()
        splits = self.evaluate_splits()
        flat = {
            f"eval_{split}_{name}": value
            for split, metrics in splits.items()
            for name, value in metrics.items()
            if isinstance(value, (int, float))
        }
        self.log(flat)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, flat)
        self.window.leave_out(time.monotonic() - began)
        return flat

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        """The inner model as a Hugging Face folder, the components' parameters beside it."""
        save_weights(self.objective, Path(output_dir or str(self.args.output_dir)))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        load_weights(self.objective, Path(resume_from_checkpoint))


def _over_processes(counts: list[int], device: torch.device) -> StepCounts:
    if distributed.is_initialized():
        total = torch.tensor(counts, device=device)
        distributed.all_reduce(total)
        counts = total.tolist()
    return StepCounts(*counts)
