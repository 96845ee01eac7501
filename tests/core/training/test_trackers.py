"""Trackers get the recipe, the log and the final metrics, and are closed after those."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from transformers import TrainerCallback

from jepa_core.training import trackers as module
from jepa_core.training.trackers import Trackers, is_tracker
from tests.tiny_runs import run_tiny


class Tracker(TrainerCallback):
    """Notes what it is told; once it is closed, nothing may come."""

    __module__ = "transformers.integrations.here"

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        assert "closed" not in self.told
        self.told.append(logs)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.told.append("closed")


def trainer_with(*callbacks: TrainerCallback) -> Any:
    state = SimpleNamespace(is_world_process_zero=True, global_step=3)
    handler = SimpleNamespace(callbacks=list(callbacks))
    return SimpleNamespace(callback_handler=handler, args=None, state=state, control=None, model=None)


def test_the_order_is_recipe_log_final_metrics_end():
    tracker, other = Tracker(), TrainerCallback()
    trainer = trainer_with(tracker, other)
    trackers = Trackers(trainer, lambda: "seed: 1\n")
    assert trackers.known == [tracker]
    trackers.on_train_begin(None, trainer.state, None)
    tracker.on_log(None, None, None, logs={"loss": 1.0})
    tracker.on_train_end(None, None, None)  # as transformers does
    trackers.finish({"test": {"mrr": 0.5, "jepa_loss": None, "examples": []}, "train": {"num_samples": 3}})
    trackers.finish()
    final = {"eval_final_test_mrr": 0.5, "eval_final_train_num_samples": 3}
    assert tracker.told == [{"recipe": "seed: 1\n"}, {"loss": 1.0}, final, "closed"]


def test_without_metrics_they_are_closed_all_the_same():
    tracker = Tracker()
    trainer = trainer_with(tracker)
    trackers = Trackers(trainer, lambda: "")
    trackers.finish({"test": {"mrr": 0.5}})  # training never began
    assert tracker.told == []
    trackers.on_train_begin(None, trainer.state, None)
    trackers.finish()
    assert tracker.told == [{"recipe": ""}, "closed"]


def test_each_takes_the_recipe_in_its_own_way():
    told: list[Any] = []
    board = SimpleNamespace(tb_writer=SimpleNamespace(add_text=lambda *text: told.append(text)))
    wandb = SimpleNamespace(_wandb=SimpleNamespace(config=SimpleNamespace(update=told.append)))
    mlflow = SimpleNamespace(_ml_flow=SimpleNamespace(log_text=lambda *text: told.append(text)))
    for name, tracker in (("TensorBoardCallback", board), ("WandbCallback", wandb), ("MLflowCallback", mlflow)):
        module.RECIPE[name](tracker, "seed: 1\n")
    fenced = "```yaml\nseed: 1\n```"
    assert told == [("recipe", fenced), {"recipe": {"seed": 1}}, ("seed: 1\n", "recipe.resolved.yaml")]


def test_which_callbacks_are_trackers():
    from transformers.integrations import TensorBoardCallback, WandbCallback

    assert not is_tracker(TrainerCallback())
    assert all(is_tracker(object.__new__(cls)) for cls in (TensorBoardCallback, WandbCallback))


def test_what_tensorboard_is_given(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run_tiny(tmp_path / "run", "training.report_to=[tensorboard]").output_dir
    (events,) = (path.parent for path in (folder / "checkpoints" / "runs").rglob("events.*"))
    found = EventAccumulator(str(events))
    found.Reload()
    (text,) = found.Tensors("recipe/text_summary")
    recipe = yaml.safe_load(text.tensor_proto.string_val[0].decode().strip("`").removeprefix("yaml"))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert recipe["data"]["name"] == "reversal_curse"
    (final,) = found.Scalars("eval/final_test_mrr")
    assert final.value == pytest.approx(metrics["test"]["mrr"])
    logged = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in logged if "loss" in line]
    assert [event.step for event in found.Scalars("train/loss")] == steps
