"""Ctrl-C, SIGTERM and a closed terminal: finish the step, leave a checkpoint, stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from transformers import TrainerCallback

from jepa_core.signals import HANGUP, heard, in_main_thread

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments


class StopOnSignal(TrainerCallback):
    """Asks the trainer on the first signal to save and stop at the end of the step; a second one kills at once.

    In several processes they agree at each step's end, so a signal to one of them stops all at one step.
    A signal that comes while the step is evaluated or saved stops right after that. caught: the signal's
    number, or 0.
    """

    def __init__(self) -> None:
        self.caught = 0
        self._before: dict[int, Any] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if in_main_thread():
            self._before = {number: signal.signal(number, self._catch) for number in heard()}

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._agree(args):
            control.should_training_stop = control.should_save = True

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.on_step_end(args, state, control)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        control.should_training_stop = bool(self._agree(args)) or control.should_training_stop

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._agree(args)
        self.restore()

    def restore(self) -> None:
        """Puts the previous handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _agree(self, args: Any) -> int:
        if distributed.is_initialized():
            flag = torch.tensor(self.caught, device=args.device)
            distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
            self.caught = int(flag)
        return self.caught

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self.caught = number
        for each in heard():  # a closed terminal is told of twice, by the system and by the shell
            signal.signal(each, signal.SIG_IGN if each == HANGUP else signal.SIG_DFL)
