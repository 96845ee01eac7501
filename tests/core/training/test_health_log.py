"""Health is measured when it should be, and leaves no trace in the training."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

import jepa_core
from jepa_core.evaluation.health import measure_health
from jepa_core.objective.objective import JepaObjective
from jepa_core.training.health_log import HealthLog, health_batch
from jepa_plugins.facts.fact_set import FactSet
from tests.support import SAMPLES, small_batch, small_model, small_objective, small_set

TINY = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
    "model.config.n_embd=16",
    "training.per_device_train_batch_size=8",
    "training.gradient_accumulation_steps=2",
    "training.logging_steps=2",
    "training.warmup_steps=0",
    "training.max_steps=5",
    "training.eval_steps=2",
    "training.save_steps=3",
]


def run(folder: Path, *overrides: str) -> Path:
    jepa_core.run(jepa_core.load_recipe("cosine_k1", [*TINY, f"output_dir={folder}", *overrides]))
    return folder


def measured(folder: Path) -> dict[int, dict[str, float]]:
    """Step -> health, of the lines that have it."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    found = [line for line in lines if "health_ntp_gradient_norm" in line]
    assert len({line["step"] for line in found}) == len(found)
    return {line["step"]: line for line in found}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def test_weights_are_the_same_to_the_last_bit_without_it(tmp_path, monkeypatch):
    """Trains under dropout, which draws random numbers at every step, and with gradients that accumulate."""
    dropout = "model.config.resid_pdrop=0.3"
    with_health = run(tmp_path / "with", dropout)
    monkeypatch.setattr(HealthLog, "_measure", lambda *args: None)
    without = run(tmp_path / "without", dropout)
    assert list(measured(with_health)) == [0, 2, 4, 5]
    assert measured(without) == {}
    ours, theirs = weights(with_health), weights(without)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_resumed_run_goes_on_with_the_same_figures(tmp_path, monkeypatch):
    """Stopped in step 4: its checkpoint is that of step 3, and the line of step 0 is not written again."""
    whole = run(tmp_path / "whole")
    forward = JepaObjective.forward

    class Stop(Exception):
        pass

    def stopping(self, *args, step=0, **kwargs):
        if self.training and (tmp_path / "stopped/checkpoints/checkpoint-3").is_dir():
            raise Stop
        return forward(self, *args, step=step, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(JepaObjective, "forward", stopping)
        with pytest.raises(Stop):
            run(tmp_path / "stopped")
    assert list(measured(tmp_path / "stopped")) == [0, 2]
    run(tmp_path / "stopped")
    before, after = measured(whole), measured(tmp_path / "stopped")
    assert list(after) == [0, 2, 4, 5]
    for step, figures in before.items():
        assert {**after[step], "seconds": 0} == {**figures, "seconds": 0}


class TestHealthLog:
    @staticmethod
    def at(step: int, first: bool = True) -> SimpleNamespace:
        return SimpleNamespace(global_step=step, is_world_process_zero=first)

    @staticmethod
    def stop(stop: bool) -> SimpleNamespace:
        return SimpleNamespace(should_training_stop=stop)

    def test_the_figures_are_those_of_the_batch(self):
        lines: list[dict] = []
        objective = small_objective(small_model())
        HealthLog(objective, small_batch(), lines.append).on_train_begin(None, self.at(0), None)
        health = measure_health(objective, small_batch())
        assert lines == [{f"health_{name}": value for name, value in vars(health).items()}]
        assert lines[0]["health_pairs"] == 3

    def test_what_can_not_be_measured_is_left_out(self):
        lines: list[dict] = []
        batch = small_batch([sample for sample in SAMPLES if sample[4] == "atomic"])
        HealthLog(small_objective(small_model()), batch, lines.append).on_evaluate(None, self.at(3), None)
        assert set(lines[0]) == {"health_ntp_gradient_norm", "health_pairs"}

    def test_when(self):
        steps: list[int] = []
        log = HealthLog(small_objective(small_model()), small_batch(), lambda figures: steps.append(now.global_step))
        now = self.at(7)
        log.on_train_begin(None, now, None)  # resumed
        log.on_epoch_end(None, now, self.stop(False))
        assert steps == []
        log.on_evaluate(None, now, None)
        log.on_epoch_end(None, now, self.stop(True))  # measured already
        assert steps == [7]
        now = self.at(9)
        log.on_epoch_end(None, now, self.stop(True))
        assert steps == [7, 9]

    def test_the_first_process_alone(self):
        def measured(figures):
            raise AssertionError("another process measures")

        log = HealthLog(small_objective(small_model()), small_batch(), measured)
        log.on_train_begin(None, self.at(0, first=False), None)
        log.on_evaluate(None, self.at(2, first=False), None)

    def test_random_numbers_go_on_as_if_nothing_was(self):
        """A component may draw even in evaluation."""
        objective = small_objective(small_model(), distance=lambda p, t: (p - t).norm(dim=-1) + torch.rand(len(p)))
        log = HealthLog(objective, small_batch(), lambda figures: None)
        torch.manual_seed(3)
        expected = torch.rand(4)
        torch.manual_seed(3)
        log.on_train_begin(None, self.at(0), None)
        assert torch.equal(torch.rand(4), expected)

    def test_gradients_mode_and_weights_stay(self):
        objective = small_objective(small_model())
        objective(**small_batch()).loss.backward()
        before = [(p.detach().clone(), p.grad.clone()) for p in objective.parameters()]
        HealthLog(objective, small_batch(), lambda figures: None).on_evaluate(None, self.at(1), None)
        assert objective.training
        for parameter, (value, gradient) in zip(objective.parameters(), before, strict=True):
            assert torch.equal(parameter, value)
            assert torch.equal(parameter.grad, gradient)


class TestHealthBatch:
    @staticmethod
    def repeated(*types: int) -> FactSet:
        facts = small_set(SAMPLES[:1]).facts
        return FactSet(facts[torch.zeros(len(types), dtype=torch.int64)], torch.tensor(types))

    def test_a_small_set_is_taken_whole(self):
        batch = health_batch(small_set(), 256)
        assert batch["index"].tolist() == list(range(len(SAMPLES)))

    def test_the_first_of_each_type_in_proportion(self):
        """Eight of 90 atomic and then 30 train samples are 6 and 2."""
        batch = health_batch(self.repeated(*[1] * 90, *[0] * 30), 8)
        assert batch["index"].tolist() == [0, 1, 2, 3, 4, 5, 90, 91]

    def test_no_type_is_left_out(self):
        assert health_batch(self.repeated(*[1] * 999, 0), 4)["group"].tolist() == [1, 1, 1, 1, 0]

    def test_at_most_sixty_four(self):
        assert len(health_batch(self.repeated(*[0] * 300), 256)["index"]) == 64
