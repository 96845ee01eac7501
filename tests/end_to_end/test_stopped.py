"""SIGINT, SIGTERM and SIGHUP at any moment: a whole checkpoint at the step reached, and an exit status that says why."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jepa_core.checkpoint import trainer as saving
from jepa_core.checkpoint.choosing import newest
from jepa_core.checkpoint.manifest import check_checkpoint
from jepa_core.cli import main
from jepa_core.evaluation import splits
from jepa_core.training import trainer as training
from tests.children import Child
from tests.tiny_runs import TINY, outcome, run_tiny

EVALUATED = ["training.eval_steps=3", "training.max_steps=8"]


def stopping(
    folder: Path, arm: Callable[[Callable[[], None]], None], number: int, *overrides: str, times: int = 1
) -> int:
    """The exit status of a run to which the signal is sent where `arm` puts the sending."""

    def run() -> None:
        left = [times]

        def send() -> None:
            while left[0]:
                left[0] -= 1
                os.kill(os.getpid(), number)

        arm(send)
        sys.argv = ["jepa-run", "cosine_k1", *TINY, *EVALUATED, *overrides, f"output_dir={folder}", "--device", "cpu"]
        main.main()

    return Child(run).wait()


def before(owner: object, name: str, when: Callable[..., bool]) -> Callable[[Callable[[], None]], None]:
    """Arms a run: sends before each call of this function for which `when` holds."""

    def arm(send: Callable[[], None]) -> None:
        called = getattr(owner, name)

        def calling(*args, **kwargs):
            if when(*args):
                send()
            return called(*args, **kwargs)

        setattr(owner, name, calling)

    return arm


def after(step: int, name: str) -> Callable[[Callable[[], None]], None]:
    return before(training.JepaTrainer, name, lambda trainer, *args: trainer.state.global_step == step)


MOMENTS = {
    "in a step": (after(3, "compute_loss"), 4),
    "between steps": (after(3, "log"), 3),
    "in evaluation": (after(3, "evaluate"), 3),
    "in a save": (before(saving, "write_state", lambda folder, *args: folder.name == "checkpoint-4.part"), 4),
    "in the last save": (before(saving, "write_state", lambda folder, *args: folder.name == "checkpoint-8.part"), 8),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_tiny(folder, *EVALUATED)
    return outcome(folder)


CASES = [(moment, signal.SIGTERM) for moment in MOMENTS]
CASES += [(moment, number) for moment in ("in a step", "in a save") for number in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize(("moment", "number"), CASES)
def test_a_whole_checkpoint_and_the_same_bits_in_the_end(tmp_path, whole, moment, number, capfd):
    arm, step = MOMENTS[moment]
    folder = tmp_path / "run"
    assert stopping(folder, arm, number) == 128 + number
    assert f"stopped by {number.name} at step {step}; the same command goes on from there" in capfd.readouterr().err
    found = newest(folder / "checkpoints", None, pytest.fail)
    assert check_checkpoint(found) == step
    assert not (folder / "metrics.json").exists()
    assert not (folder / ".lock").exists()
    assert run_tiny(folder, *EVALUATED).state == "resumed"
    assert outcome(folder) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("place", ["building", "the evaluation at the end"])
def test_outside_of_training(tmp_path, place, number, capfd):
    """Nothing to save, or all is saved."""
    from jepa_core.launch import run as launch

    arm = {
        "building": before(launch, "verify_start", lambda *args: True),
        "the evaluation at the end": before(splits, "evaluate", lambda *args: True),
    }[place]
    folder = tmp_path / "run"
    assert stopping(folder, arm, number, "training.eval_steps=null") == 128 + number
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "stopped" in said
    state = run_tiny(folder, *EVALUATED, "training.eval_steps=null").state
    assert state == ("trained" if place == "building" else "resumed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_the_second_ends_at_once(tmp_path, number):
    """The run ends within the step, without a checkpoint of it; a shell shows 128 + number for it too."""
    folder = tmp_path / "run"
    assert stopping(folder, MOMENTS["in a step"][0], number, times=2) == -number
    assert check_checkpoint(newest(folder / "checkpoints", None, pytest.fail)) == 2


def test_a_closed_terminal_is_told_of_twice(tmp_path):
    """The system and the shell both tell of it; the second is no request to drop everything."""
    folder = tmp_path / "run"
    assert stopping(folder, MOMENTS["in a step"][0], signal.SIGHUP, times=2) == 129
    assert check_checkpoint(newest(folder / "checkpoints", None, pytest.fail)) == 4


def test_under_nohup_a_run_goes_on(tmp_path):
    folder = tmp_path / "run"

    def arm(send: Callable[[], None]) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        MOMENTS["in a step"][0](send)

    assert stopping(folder, arm, signal.SIGHUP) == 0
    assert (folder / "metrics.json").exists()


def test_processes_that_make_batches_outlive_a_signal_to_the_whole_group(tmp_path):
    """Ctrl-C in a terminal sends such a signal: a batch they owe must still come."""
    folder = tmp_path / "run"

    def run() -> None:
        os.setpgid(0, 0)
        compute = training.JepaTrainer.compute_loss

        def sending(self, *args, **kwargs):
            if self.state.global_step == 1:
                os.killpg(0, signal.SIGINT)
                os.killpg(0, 0)
            return compute(self, *args, **kwargs)

        training.JepaTrainer.compute_loss = sending
        more = [
            "training.dataloader_num_workers=2",
            "training.gradient_accumulation_steps=2",
            "training.per_device_train_batch_size=2",
        ]
        sys.argv = ["jepa-run", "cosine_k1", *TINY, *more, f"output_dir={folder}", "--device", "cpu"]
        main.main()

    # Two micro-batches a step, so the second signal of the step would kill: it is sent in the first one only.
    sent = Child(lambda: _once(run))
    assert sent.wait() == 130
    assert check_checkpoint(newest(folder / "checkpoints", None, pytest.fail)) == 2


def _once(run: Callable[[], None]) -> None:
    kill, sent = os.killpg, []

    def first(group: int, number: int) -> None:
        if number and not sent:
            sent.append(number)
            kill(group, number)
            time.sleep(0.2)

    os.killpg = first
    run()


def test_a_run_in_another_thread_trains_too(tmp_path):
    """Signals reach the main thread alone."""
    from threading import Thread

    results: list[str] = []
    thread = Thread(target=lambda: results.append(run_tiny(tmp_path / "run", "training.max_steps=1").state))
    thread.start()
    thread.join()
    assert results == ["trained"]
