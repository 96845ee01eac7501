"""Ctrl-C and SIGTERM: finish the step, leave a checkpoint, stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import torch
from torch import distributed
from transformers import TrainerCallback

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(TrainerCallback):
    """On the first signal asks the trainer to save and stop at the end of the step; a second one kills.

    In several processes they agree at each step's end, so a signal to one of them stops all at one step.
    caught: the signal's number, or 0.
    """

    def __init__(self) -> None:
        self.caught = 0
        self._before: dict[int, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._before = {number: signal.signal(number, self._catch) for number in SIGNALS}

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.restore()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if distributed.is_initialized():
            flag = torch.tensor(self.caught, device=args.device)
            distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
            self.caught = int(flag)
        if self.caught:
            control.should_training_stop = True
            control.should_save = True

    def restore(self) -> None:
        """Puts the handlers back that were there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self.caught = number
        self.restore()
