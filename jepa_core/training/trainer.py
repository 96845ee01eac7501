"""The trainer: transformers' own, with exact denominators and the JEPA terms in its logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, ProgressCallback, TrainerCallback, TrainingArguments

from jepa_core.checkpoint.trainer import CheckpointTrainer
from jepa_core.checkpoint.weights import save_weights
from jepa_core.objective.company import Company
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.objective.schedule import Schedule
from jepa_core.objective.terms import NTP
from jepa_core.samples.sample_set import collate
from jepa_core.tensors import put_together
from jepa_core.training.callbacks import FollowModel, LogLastSteps
from jepa_core.training.finite import FiniteWatch
from jepa_core.training.loader_process import LoaderContext, ignore_signals
from jepa_core.training.planned_set import NumberedBatches, PlannedSet, as_they_are, opened
from jepa_core.training.sampler import EpochBatches, EpochLoader, EpochSampler, epoch_sampler
from jepa_core.training.sharding import shard
from jepa_core.training.window import LossWindow, StepCounts

if TYPE_CHECKING:
    from jepa_core.recipe.training_section import FsdpSection
    from jepa_core.training.trackers import Trackers

SplitMetrics = dict[str, dict[str, Any]]


class JepaTrainer(CheckpointTrainer):
    """Trains a :class:`~jepa_core.objective.objective.JepaObjective`.

    An optimizer step is planned on the host before it runs, so its denominators (labelled tokens and counted
    pairs over all micro-batches and processes) are known: one big batch, accumulated micro-batches and n
    processes give the same gradient.

    evaluate_splits: gives the metrics of every split, when the recipe asks for evaluation while training.
    """

    objective: JepaObjective
    trackers: Trackers

    def __init__(
        self,
        objective: JepaObjective,
        args: TrainingArguments,
        train_dataset: Any,
        evaluate_splits: Callable[[], SplitMetrics],
        callbacks: list[TrainerCallback],
        sharding: FsdpSection | None = None,
    ):
        self.objective = objective
        self.sharded = sharding is not None
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
        self.finite = FiniteWatch(self.args.device, [NTP, *(term.name for term in objective.spec.terms)])
        self.loss_is_scaled_for_ga = True  # compute_loss divides by the whole step's counts
        if self.args.world_size > 1:
            lockstep = None if sharding is None else shard(objective, sharding, self.args.device)
            self.is_distributed_loading_by_transformers = sharding is not None  # so it is not to be split again
            wait = lockstep.wait if lockstep else None
            objective.company = Company(objective.transformer.width, self.args.device, wait)
        self.add_callback(FollowModel(objective))
        self.add_callback(LogLastSteps())
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def _move_model_to_device(self, model: nn.Module, device: torch.device) -> None:
        """Leaves a split model alone: it moves in parts, so no device needs room for the whole."""
        if not (self.sharded and self.args.world_size > 1):
            super()._move_model_to_device(model, device)

    @contextmanager
    def _defer_fsdp_gradient_reduction(self) -> Iterator[None]:
        """Defers nothing: after each micro-batch every process holds only its part of the gradient."""
        yield

    def get_train_dataloader(self) -> DataLoader:
        """Loads plans of batches, made on the host: here, or in processes beside, which share this one's memory."""
        args, dataset = self.args, cast(Any, self.train_dataset)
        batches = EpochBatches(
            self.make_sampler(dataset),
            args.per_device_train_batch_size,
            args.process_index,
            args.world_size,
            drop_last=args.dataloader_drop_last,
        )
        numbered: Any = NumberedBatches(batches, args.gradient_accumulation_steps)
        return EpochLoader(
            PlannedSet(dataset, self.data_collator, self.objective),
            batch_sampler=numbered,
            collate_fn=as_they_are,
            num_workers=args.dataloader_num_workers,
            worker_init_fn=ignore_signals,
            multiprocessing_context=LoaderContext() if args.dataloader_num_workers else None,
        )

    def make_sampler(self, samples: Any) -> EpochSampler:
        """The order in which an epoch reads the samples."""
        args = self.args
        step = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
        return epoch_sampler(samples, args.seed, step)

    def get_batch_samples(self, epoch_iterator: Iterator, num_batches: int, device: torch.device) -> tuple[list, Any]:
        """Takes the plans of a whole optimizer step. The second value is its :class:`StepCounts`."""
        began = time.monotonic()
        if not (self.objective.training and self.objective.model.training):  # a walk over all modules takes its time
            self.objective.train()
        plans = [opened(each) for _, each in zip(range(num_batches), epoch_iterator, strict=False)]
        assert all(plan.step == self.state.global_step for plan in plans), "the loader counts steps as the Trainer does"
        counts = _over_processes(self._counts(plans), device)
        if plans:
            self.window.start_step(counts, began)
        return [{"plan": plan} for plan in plans], counts

    def _counts(self, plans: list[Plan]) -> StepCounts:
        """Adds up the counts of this process's plans."""
        names = [term.name for term in self.objective.spec.terms]
        pairs = [[planned.denominator for planned in plan.terms] for plan in plans]
        terms = {name: sum(column) for name, column in zip(names, zip(*pairs, strict=True), strict=False)}
        labels = sum(plan.labels for plan in plans)
        for number, term in enumerate(self.objective.spec.terms):  # each once a micro-batch that has a pair
            counted = sum(bool(plan.terms[number].count) for plan in plans)
            terms |= {name: counted for name, _ in term.regularizers}
        samples = sum(len(plan.blocks[0].sample) for plan in plans)
        tokens = sum(plan.tokens for plan in plans)
        return StepCounts({NTP: labels, **dict.fromkeys(names, 0), **terms}, samples, tokens)

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        plan = inputs["plan"]
        return {"plan": plan if self.args.device.type == "cpu" else plan.to(self.args.device)}

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Runs a micro-batch forwards and backwards. transformers' own sets the mode of every module each time, and
        looks for engines and optimizers that no recipe can ask for."""
        with self.compute_loss_context_manager():
            loss = self.compute_loss(model, self._prepare_inputs(inputs), num_items_in_batch=num_items_in_batch)
        self.accelerator.backward(loss)
        return loss.detach()

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        counts: StepCounts = num_items_in_batch
        out = model(plan=inputs["plan"], counts=counts.denominators)
        self.window.add(out)
        loss = out.loss * self.args.world_size  # DDP averages gradients over processes; this makes it a sum
        return (loss, out) if return_outputs else loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Checks the step, between backward and the optimizer's step: the last place to keep a NaN out."""
        norm = put_together(super()._get_grad_norm(model, grad_norm=grad_norm))
        self.finite.look(self.state.global_step + 1, self.window.last, norm)
        optimizer: Any = self.optimizer
        self.finite.guard(optimizer.optimizer, model)  # without accelerate's wrapper
        return norm

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Raises NonFiniteError before a bad step or bad weights are logged, evaluated, saved or final."""
        control = self.control
        of_weights = control.should_evaluate or control.should_save or control.should_training_stop
        if of_weights or control.should_log:
            self.finite.check(self.objective)
        if of_weights:
            self.finite.check_weights(self.state.global_step, self.objective)
        super()._maybe_log_save_evaluate(*args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs |= self.window.means(self.args.device) | self._weights()
            self.window = LossWindow()
        super().log(logs, start_time)

    def _weights(self) -> dict[str, float]:
        """The current weights of the terms with a schedule, as ``NAME_weight``."""
        terms, step = self.objective.spec.terms, max(self.state.global_step - 1, 0)
        return {f"{t.name}_weight": t.weight.at(step) for t in terms if isinstance(t.weight, Schedule)}

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluates every split and logs the metrics flat: ``eval_train_mrr``, …"""
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
        """Saves the inner model as a Hugging Face folder, the components' parameters beside it."""
        save_weights(self.objective, Path(output_dir or str(self.args.output_dir)))


def _over_processes(own: StepCounts, device: torch.device) -> StepCounts:
    """Sums the counts over all processes; the sums stay on the device."""
    if not distributed.is_initialized():
        return own
    total = torch.tensor([*own.terms.values(), own.samples, own.tokens]).to(device, non_blocking=True)
    distributed.all_reduce(total)
    *terms, samples, tokens = total.unbind()
    return StepCounts(dict(zip(own.terms, terms, strict=True)), samples, tokens)
