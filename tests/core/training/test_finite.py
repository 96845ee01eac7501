"""A step that is not finite changes nothing, and is named by the end of the log window."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import TrainerCallback

from jepa_core.training.finite import FiniteWatch, NonFiniteError, first_bad
from tests.core.training.test_trainer import train
from tests.support import SAMPLES, small_model, small_objective
from tests.warm import Running


class Poison(TrainerCallback):
    """Makes a term not finite in one step alone, and keeps what was there before it."""

    def __init__(self, term: str, step: int = 3, micro_batch: int = 0):
        self.term, self.step, self.micro_batch = term, step, micro_batch
        self.on, self.calls = False, 0
        self.objective = small_objective(small_model(), distance=self.distance)
        head = self.objective.transformer.lm_head
        head.register_forward_hook(lambda m, i, o: o * float("inf") if self.due("ntp_loss") else o)
        head.register_full_backward_hook(
            lambda m, i, o: tuple(g * float("inf") for g in i) if self.due("gradient") else None
        )

    def due(self, term: str) -> bool:
        return self.on and self.term == term and self.calls == self.micro_batch

    def distance(self, predicted, target):
        """Infinite without a trace of it in the gradient."""
        distances = (predicted - target).square().sum(-1)
        return distances + float("inf") if self.due("jepa_loss") else distances

    def on_step_begin(self, args, state, control, optimizer=None, **kwargs):
        self.on, self.calls = state.global_step == self.step - 1, 0
        if self.on:
            self.weights = [p.detach().clone() for p in self.objective.parameters()]
            self.state = copy.deepcopy(optimizer.optimizer.state_dict()["state"])
            self.optimizer = optimizer.optimizer

    def on_substep_end(self, args, state, control, **kwargs):
        self.calls += 1

    def on_step_end(self, args, state, control, **kwargs):
        self.on, self.steps = False, state.global_step

    def train(self, tmp_path, **options):
        options = {"max_steps": 9, "logging_steps": 5, "learning_rate": 0.01} | options
        train(tmp_path, SAMPLES, objective=self.objective, callbacks=[self], **options)

    def assert_nothing_changed(self):
        assert all(map(torch.equal, self.weights, self.objective.parameters()))
        after = self.optimizer.state_dict()["state"]
        assert after.keys() == self.state.keys()
        for number, values in self.state.items():
            assert all(torch.equal(values[name], after[number][name]) for name in values)


@pytest.mark.parametrize("optimizer", ["adamw_torch_fused", "adamw_torch", "sgd"])
@pytest.mark.parametrize("term", ["jepa_loss", "ntp_loss", "gradient"])
def test_a_bad_step_and_those_after_it_change_nothing(tmp_path, term, optimizer):
    """Step 3 is bad; 4 and 5, good ones again, run until the log is due; they train nothing either."""
    poison = Poison(term)
    with pytest.raises(NonFiniteError, match=f"^{term} is not finite at step 3; the weights are those of step 2 "):
        poison.train(tmp_path, optim=optimizer, weight_decay=0.1)
    assert poison.steps == 5
    poison.assert_nothing_changed()


@pytest.mark.parametrize("term", ["jepa_loss", "ntp_loss", "gradient"])
@pytest.mark.parametrize("micro_batch", [0, 1])
def test_any_of_several_micro_batches(tmp_path, term, micro_batch):
    poison = Poison(term, micro_batch=micro_batch)
    with pytest.raises(NonFiniteError, match=f"^{term} is not finite at step 3"):
        poison.train(
            tmp_path,
            optim="adamw_torch_fused",
            per_device_train_batch_size=3,
            gradient_accumulation_steps=2,
            max_grad_norm=1.0,
        )
    poison.assert_nothing_changed()


@pytest.mark.parametrize(
    ("due", "steps"),
    [
        ({"save_strategy": "steps", "save_steps": 4}, 4),
        ({"eval_strategy": "steps", "eval_steps": 4}, 4),
        ({"max_steps": 6}, 6),
    ],
)
def test_a_bad_step_is_told_before_a_save_an_evaluation_and_the_end(tmp_path, due, steps):
    poison = Poison("ntp_loss")
    with pytest.raises(NonFiniteError, match="step 3"):
        poison.train(tmp_path, **{"logging_steps": 100, **due})
    assert poison.steps == steps
    assert not list(tmp_path.glob("checkpoint-*"))


class Spoil(TrainerCallback):
    """Puts NaN into one weight right after an update, as a huge learning rate does."""

    def __init__(self, step: int):
        self.step = step
        self.objective = small_objective(small_model())

    def on_optimizer_step(self, args, state, control, **kwargs):
        if state.global_step == self.step - 1:
            with torch.no_grad():
                self.objective.transformer.blocks[1].ln_2.bias[3] = float("nan")

    def train(self, tmp_path, **options):
        options = {"max_steps": 6, "logging_steps": 100, "learning_rate": 0.01} | options
        train(tmp_path, SAMPLES, objective=self.objective, callbacks=[self], **options)


BAD_WEIGHT = r"the weight model\.transformer\.h\.1\.ln_2\.bias is not finite after step {}; nothing was saved of it"


@pytest.mark.parametrize(
    ("step", "due"),
    [
        (6, {}),
        (4, {"save_strategy": "steps", "save_steps": 4}),
        (4, {"eval_strategy": "steps", "eval_steps": 4}),
    ],
)
def test_a_bad_weight_is_told_before_a_save_an_evaluation_and_the_end(tmp_path, step, due):
    """No loss has been computed with the weight yet."""
    with pytest.raises(NonFiniteError, match=BAD_WEIGHT.format(step)):
        Spoil(step).train(tmp_path, **due)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_step_over_bad_weights_tells_whose_they_are(tmp_path):
    with pytest.raises(NonFiniteError, match=r"ntp_loss is not finite at step 4; .* of step 3, whose update .*ln_2"):
        Spoil(3).train(tmp_path, logging_steps=5)


@pytest.mark.parametrize("values", [{"learning_rate": 1e39}, {"adam_epsilon": 1e-50}])
def test_an_update_that_makes_weights_infinite(tmp_path, values):
    options = {"max_steps": 1, "optim": "adamw_torch_fused", "learning_rate": 1e-3} | values
    with pytest.raises(NonFiniteError, match="is not finite after step 1;"):
        train(tmp_path, SAMPLES, **options)


def test_the_first_bad_parameter_is_named():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    assert first_bad(model) == ""
    with torch.no_grad():
        model[1].weight[0, 1] = float("-inf")
        assert first_bad(model) == "1.weight"
        model[0].bias[1] = float("nan")
        assert first_bad(model) == "0.bias"


def losses(ntp, jepa):
    return {"ntp": ntp, "jepa": jepa}


def test_a_finite_run_reads_and_says_nothing():
    watch = FiniteWatch(torch.device("cpu"), ["ntp", "jepa"])
    watch.look(1, [{"ntp": torch.tensor(1.0)}, losses(torch.tensor(0.0), torch.tensor(2.0))], torch.tensor(0.0))
    watch.check()
    assert watch.found == 0


def test_the_first_bad_step_is_the_one_that_counts():
    watch, good, bad = FiniteWatch(torch.device("cpu"), ["ntp", "jepa"]), torch.tensor(1.0), torch.tensor(float("nan"))
    watch.look(7, [{"ntp": good}, losses(good, bad)], bad)
    watch.look(8, [{"ntp": bad}], good)
    with pytest.raises(NonFiniteError, match="jepa_loss is not finite at step 7"):
        watch.check()


PROCESS = """
import sys, torch
from torch import distributed
from jepa_core.training.finite import FiniteWatch, NonFiniteError
rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=sys.argv[2], rank=rank, world_size=2)
watch, weight = FiniteWatch(torch.device("cpu"), ["ntp", "jepa"]), torch.nn.Linear(1, 1)
before, optimizer = weight.weight.clone(), torch.optim.AdamW(weight.parameters(), fused=True)
for step in (1, 2, 3):
    weight(torch.ones(1)).backward()
    jepa = {"jepa": torch.tensor(float("inf") if rank and step == 2 else 1.0)} if rank else {}
    watch.look(step, [{"ntp": torch.tensor(1.0), **jepa}], torch.tensor(1.0))
    watch.guard(optimizer, weight)
    optimizer.step()
    changed, before = not torch.equal(weight.weight, before), weight.weight.clone()
    print(step, changed)
try:
    watch.check()
except NonFiniteError as error:
    print(error)
with torch.no_grad():
    weight.weight.mul_(float("inf") if rank else 1.0)
try:
    watch.check_weights(3, weight)
except NonFiniteError as error:
    print(error)
distributed.destroy_process_group()
"""


def test_two_processes_agree(tmp_path):
    """A loss that is infinite in one of them, with a finite gradient, stops both."""
    store = f"file://{tmp_path}/store"
    (tmp_path / "process.py").write_text(PROCESS)
    running = [Running(tmp_path / "process.py", str(rank), store, cwd=tmp_path) for rank in (0, 1)]
    said = [process.wait(120).stdout.splitlines() for process in running]
    told = [[line for line in lines if not line.startswith("[Gloo]")] for lines in said]  # older ones greet
    assert told[0][:4] == told[1][:4]
    assert told[0][:3] == ["1 True", "2 False", "3 False"]
    assert told[0][3].startswith("jepa_loss is not finite at step 2; the weights are those of step 1")
    assert told[0][4].startswith("a weight of another process is not finite after step 3")
    assert told[1][4].startswith("the weight weight is not finite after step 3")
