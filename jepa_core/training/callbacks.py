"""Callbacks that show and write the course of training."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm
from transformers import TrainerCallback

from jepa_core.folder.files import append_line, read_bytes, write_text
from jepa_core.objective.objective import JepaObjective
from jepa_core.progress import progress

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments


class ProgressLine(TrainerCallback):
    """One progress bar over the steps, with the losses of the last log line on it."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.bar = progress(total=state.max_steps, initial=state.global_step, desc="training", unit="step")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs: dict[str, Any] = kwargs["logs"]
        if self.bar is not None and "loss" in logs:
            self.bar.set_postfix({short: f"{value:.4g}" for short, value in bar_figures(logs).items()})

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class FollowModel(TrainerCallback):
    """Updates a target encoder that follows the model, after each optimizer step."""

    def __init__(self, objective: JepaObjective):
        self.objective = objective

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.objective.after_step()


class LogLastSteps(TrainerCallback):
    """Logs the last step, however close to the last log line; else a run shorter than ``logging_steps`` would never log
    its losses."""

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        control.should_log |= state.global_step >= state.max_steps


class MetricsFile(TrainerCallback):
    """Appends every log line to ``metrics.jsonl``: ``{"step": …, "seconds": …, …}``.

    A resumed run drops the lines after the step it resumes from, as those steps are run again: the file is replaced
    whole, or stays. say: takes a warning about a line that nobody can read, which is dropped too.
    """

    def __init__(self, path: Path, say: Callable[[str], None] = lambda message: None):
        self.path = path
        self.say = say
        self.began = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.began = time.monotonic()
        if state.is_world_process_zero and self.path.exists():
            self._keep_up_to(state.global_step)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs: dict[str, Any] = kwargs["logs"]
        if not state.is_world_process_zero or not logs:
            return
        line = {"step": state.global_step, "seconds": round(time.monotonic() - self.began, 3), **_plain(logs)}
        append_line(self.path, json.dumps(line, allow_nan=False))

    def _keep_up_to(self, step: int) -> None:
        *lines, cut_off = read_bytes(self.path).split(b"\n")
        found = [log_step(line) for line in lines]
        for number, of in enumerate(found, 1):
            if of is None:
                self.say(f"warning: {self.path}:{number}: no line of a run's log; left out")
        kept = [line for line, of in zip(lines, found, strict=True) if of is not None and of <= step]
        shared = self.path.stat().st_nlink > 1  # with a backup, say, which must not get this run's lines
        if cut_off or shared or len(kept) < len(lines):
            write_text(self.path, b"".join(line + b"\n" for line in kept).decode("utf-8"))


def bar_figures(logs: dict[str, Any]) -> dict[str, float]:
    """The figures of a log line for the progress line: the loss, every term by its name, and the pairs."""
    terms = {name.removesuffix("_loss"): value for name, value in logs.items() if name.endswith("_loss")}
    pairs = {"pairs": logs["jepa_pairs"]} if "jepa_pairs" in logs else {}
    return {"loss": logs["loss"], **terms, **pairs}


def log_step(line: bytes) -> int | None:
    """The step of a log line; None where the line is not one."""
    try:
        step = json.loads(line.decode())["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return step if type(step) is int else None


def _plain(logs: dict[str, Any]) -> dict[str, Any]:
    """Turns NaN and infinity, which JSON does not have, into text."""
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in logs.items()}
