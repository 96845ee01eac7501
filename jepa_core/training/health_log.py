"""Health over time, beside the losses in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from jepa_core.evaluation.health import describe_collapse, measure_health
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.sample_set import Batch, SampleSet

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

#: The most samples measured, so that it costs about as much as two steps of training.
SAMPLES = 64
#: Steps before which a collapse is not told: embeddings of nearly untrained weights lie close together anyway.
EARLY = 20


class HealthLog(TrainerCallback):
    """Measures one batch before the first step, at every evaluation and after the last step.

    batch: the same every time; log: takes the figures, by names that begin with ``health_``; warning: words on the
    last figures, if embeddings have collapsed after ``EARLY`` steps. Only the first process measures, so nothing in
    here may wait for another one; where the model is split, all of them do. Weights, gradients and random numbers
    stay as they were.
    """

    def __init__(self, objective: JepaObjective, batch: Batch, log: Callable[[dict[str, float]], None]):
        self.objective = objective
        self.batch = batch
        self.log = log
        self._last = -1
        self.warning = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.global_step == 0:  # a run that goes on has this line already
            self._measure(state)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._measure(state)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Measures after the last step, but before trackers hear of the end and close."""
        if control.should_training_stop and self._last != state.global_step:
            self._measure(state)

    def _measure(self, state: TrainerState) -> None:
        first, split = state.is_world_process_zero, self.objective.transformer.lockstep is not None
        if not first and not split:
            return
        self._last = state.global_step
        with torch.random.fork_rng(_devices(self.objective)):  # a component may draw
            figures = asdict(measure_health(self.objective, self.batch))
        named = {f"health_{name}": value for name, value in figures.items() if value is not None}
        self.warning = describe_collapse(named) if state.global_step >= EARLY else ""
        if first:
            self.log(named)


def health_batch(dataset: SampleSet, batch_size: int) -> Batch:
    """Picks about min(64, batch_size) samples: the first of each group, in the proportion of the set."""
    size = min(SAMPLES, batch_size, len(dataset))
    shares = {group: -(-size * count // len(dataset)) for group, count in dataset.group_sizes.items()}
    chosen = [dataset.first_rows(group, share) for group, share in shares.items()]
    return dataset.__getitems__(torch.cat(chosen).sort().values.tolist())


def _devices(objective: JepaObjective) -> list[torch.device]:
    return list({p.device for p in objective.parameters() if p.device.type == "cuda"})
