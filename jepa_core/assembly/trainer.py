"""The trainer of a built run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.assembly.guarded_evaluation import guarded_all
from jepa_core.evaluation.splits import evaluate_splits
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.resolve import dump_yaml
from jepa_core.training.arguments import training_arguments
from jepa_core.training.callbacks import MetricsFile, ProgressLine
from jepa_core.training.health_log import HealthLog, health_batch
from jepa_core.training.sharding import refuse_launchers_own, unsplittable
from jepa_core.training.stop import StopOnSignal
from jepa_core.training.trackers import Trackers
from jepa_core.training.trainer import JepaTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainingArguments

    from jepa_core.assembly.build import Run


def make_trainer(run: Run) -> JepaTrainer:
    """Makes the trainer of `run`, which writes into the recipe's output folder."""
    folder, args = RunFolder(Path(run.recipe.output_dir)), check_training(run)
    if run.recipe.training.gradient_checkpointing:
        _checkpoint_activations(run.objective.model)
    trainer = JepaTrainer(
        objective=run.objective,
        args=args,
        train_dataset=run.train_dataset,
        evaluate_splits=partial(
            evaluate_splits,
            run.objective,
            run.eval_datasets,
            run.recipe.evaluation,
            guarded_all(run.recipe, run.evaluations),
        ),
        callbacks=[ProgressLine(), MetricsFile(folder.log), StopOnSignal()],
        sharding=run.recipe.training.fsdp_config if run.recipe.training.fsdp else None,
    )
    batch = health_batch(run.train_dataset, run.recipe.training.per_device_train_batch_size)
    trainer.add_callback(HealthLog(run.objective, batch, trainer.log))
    trainer.trackers = Trackers(trainer, lambda: dump_yaml(trainer.recipe or {}))
    trainer.add_callback(trainer.trackers)
    return trainer


def check_training(run: Run) -> TrainingArguments:
    """Checks a run's training section; returns transformers' arguments. Raises RecipeError for what can't be done."""
    if run.recipe.training.gradient_checkpointing and run.objective.recall is not None:
        # recalled states are gone when a layer runs again
        raise run.recipe.error("training.gradient_checkpointing", "does not go with objective.recall_temperature")
    _refuse_unsplittable(run)
    _refuse_split_regularizers(run)
    checkpoints = RunFolder(Path(run.recipe.output_dir)).checkpoints
    args = training_arguments(run.recipe, checkpoints, use_cpu=run.device == "cpu")
    _refuse_no_batch(run, args.world_size)
    return args


def _refuse_unsplittable(run: Run) -> None:
    refuse_launchers_own()
    if run.recipe.training.fsdp and (problem := unsplittable(run.objective)):
        raise run.recipe.error("training.fsdp", problem)


def _refuse_split_regularizers(run: Run) -> None:
    """Refuses accumulated steps with a regularizer: it looks at all embeddings of a step together."""
    several = run.recipe.training.gradient_accumulation_steps > 1
    if several and any(term.regularizers for term in run.objective.spec.terms):
        raise run.recipe.error(
            "objective.regularizers",
            "a regularizer is of all embeddings of a step together, so a step can't be accumulated: use "
            "one larger batch, or more processes",
        )


def _refuse_no_batch(run: Run, processes: int) -> None:
    """Raises RecipeError where leaving out an epoch's last batch leaves none."""
    training, samples = run.recipe.training, len(run.train_dataset)
    together = training.per_device_train_batch_size * processes
    if training.dataloader_drop_last and samples < together:
        message = f"leaves nothing: {samples} training samples are less than a batch of {together}"
        raise run.recipe.error("training.dataloader_drop_last", message)


def planned_steps(trainer: JepaTrainer) -> int:
    """The number of optimizer steps of the whole run, whether steps or epochs give its length."""
    return trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())[-1]


def _checkpoint_activations(model: PreTrainedModel) -> None:
    """Turns on activation checkpointing, by its newer name where transformers has that: the older one warns."""
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable()
