"""Trackers beside ``metrics.jsonl``, which get the resolved recipe when training begins, and the final metrics.

transformers closes some of them as soon as the last step is done; here they stay open until the final metrics are in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml
from transformers import TrainerCallback

if TYPE_CHECKING:
    from transformers import Trainer, TrainerControl, TrainerState, TrainingArguments

Tell = Callable[[Any, str], object]
#: Ways of giving each tracker the text of the recipe; others get it as a logged text.
RECIPE: Mapping[str, Tell] = {
    "TensorBoardCallback": lambda tracker, text: tracker.tb_writer.add_text("recipe", f"```yaml\n{text}```"),
    "WandbCallback": lambda tracker, text: tracker._wandb.config.update({"recipe": yaml.safe_load(text)}),
    "MLflowCallback": lambda tracker, text: tracker._ml_flow.log_text(text, "recipe.resolved.yaml"),
}


class Trackers(TrainerCallback):
    """trainer: the trackers' own; text: gives the resolved recipe as YAML, when training begins."""

    def __init__(self, trainer: Trainer, text: Callable[[], str]):
        self.trainer, self.text = trainer, text
        self.known = [each for each in trainer.callback_handler.callbacks if is_tracker(each)]
        self._ends: list[Callable[[], object]] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Hands over the recipe; runs after the same hook of the trackers, which were added before."""
        for tracker in self.known if state.is_world_process_zero else ():
            end = partial(tracker.on_train_end, args, state, control, model=self.trainer.model)
            self._ends.append(end)
            tracker.on_train_end = _later
            tell = RECIPE.get(type(tracker).__name__)
            if tell is None:
                self._log(tracker, {"recipe": self.text()})
            else:
                tell(tracker, self.text())

    def finish(self, metrics: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Logs the final metrics, where there are some, and lets the trackers close."""
        numbers = {
            f"eval_final_{split}_{name}": value
            for split, figures in (metrics or {}).items()
            for name, value in figures.items()
            if isinstance(value, int | float)
        }
        ends, self._ends = self._ends, []
        for tracker in self.known if ends and numbers else ():
            self._log(tracker, numbers)
        for end in ends:
            end()

    def _log(self, tracker: TrainerCallback, logs: dict[str, Any]) -> None:
        trainer = self.trainer
        tracker.on_log(trainer.args, trainer.state, trainer.control, logs=logs, model=trainer.model)


def is_tracker(callback: TrainerCallback) -> bool:
    """Tells whether a callback is one of transformers' own integrations."""
    return type(callback).__module__.startswith("transformers.integrations")


def _later(*arguments: object, **more: object) -> None:
    """Stands in for the hook that closes a tracker at the end of training, and does nothing."""
