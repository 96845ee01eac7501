"""Two processes are one run: the gradient of the joined batch, the same bits on both, every sample once, no hang."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file

from jepa_core.checkpoint.choosing import OtherRecipe, newest
from jepa_core.checkpoint.manifest import check_checkpoint
from jepa_core.errors import JepaError
from jepa_core.evaluation.evaluate import evaluate
from jepa_core.folder.lock import locked
from jepa_core.launch.run import Interrupted
from jepa_core.objective.objective import JepaObjective
from jepa_core.training.trainer import JepaTrainer
from tests.children import in_child, start_together, together
from tests.parallel import Projected, difference, eligible, facts, state, trained
from tests.support import small_model, small_objective, small_set
from tests.tiny_runs import digest, run_tiny

PATTERNS = [(8, 8), (8, 0), (0, 8), (0, 0), (1, 8), (3, 5)]
#: Samples, samples of a micro-batch in one of two processes, micro-batches a step; steps enough for two epochs.
SLOWLY = {"max_steps": 4, "learning_rate": 0.05}
UNEVEN = [(13, 4, 1), (9, 4, 1), (1, 4, 1), (19, 2, 3), (8, 8, 1)]


def made(parameters: bool) -> JepaObjective:
    return small_objective(small_model(), distance=Projected() if parameters else None)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """Results of two processes for every case, by case and rank; all in one start, because starting takes seconds."""
    folder = tmp_path_factory.mktemp("shared")

    def work(rank: int) -> None:
        for pattern, parameters in itertools.product(PATTERNS, (False, True)):
            objective = made(parameters)
            trained(folder, eligible(pattern), 8, objective)
            save_file(state(objective), folder / f"{pattern}-{parameters}-{rank}")
        for count, batch, accumulation in UNEVEN:
            objective = made(True)
            trained(folder, facts(count), batch, objective, **SLOWLY, gradient_accumulation_steps=accumulation)
            save_file(state(objective), folder / f"{count}-{rank}")
            found = evaluate(objective.eval(), small_set(facts(count)), batch_size=4)
            (folder / f"metrics-{count}-{rank}.json").write_text(json.dumps(found))
        torch.distributed.destroy_process_group()

    assert together(2, work, patience=180) == [0, 0]
    return folder


@pytest.mark.parametrize("parameters", [False, True], ids=["plain", "with parameters"])
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_any_number_of_eligible_samples_a_process(shared, tmp_path, pattern, parameters):
    both = [shared / f"{pattern}-{parameters}-{rank}" for rank in (0, 1)]
    assert digest(both[0]) == digest(both[1])
    objective = made(parameters)
    trained(tmp_path, eligible(pattern), 16, objective)
    assert difference(load_file(both[0]), state(objective), state(made(parameters))) < 1e-6


@pytest.mark.parametrize(("count", "batch", "accumulation"), UNEVEN)
def test_data_that_do_not_divide(shared, tmp_path, count, batch, accumulation):
    """No sample is repeated to fill up the end of an epoch; a process without one takes part all the same."""
    both = [shared / f"{count}-{rank}" for rank in (0, 1)]
    assert digest(both[0]) == digest(both[1])
    objective = made(True)
    trained(tmp_path, facts(count), 2 * batch, objective, **SLOWLY, gradient_accumulation_steps=accumulation)
    assert difference(load_file(both[0]), state(objective), state(made(True))) < 1e-5
    metrics = [json.loads((shared / f"metrics-{count}-{rank}.json").read_text()) for rank in (0, 1)]
    assert metrics[0] == metrics[1]
    assert metrics[0]["num_samples"] == count
    alone = evaluate(objective.eval(), small_set(facts(count)), batch_size=4)
    assert {k: pytest.approx(v, rel=1e-4) for k, v in alone.items()} == metrics[0]


def run_two(folder: Path, *overrides: str, kill: tuple[int, int] | None = None, **options: Any) -> list[int]:
    """The exit statuses of a run in two processes. kill: (rank, signal) that is sent inside of its fourth step."""

    def work(rank: int) -> None:
        if kill and kill[0] == rank:
            compute = JepaTrainer.compute_loss

            def sending(self, *args, **kwargs):
                if self.state.global_step == 3:
                    os.kill(os.getpid(), kill[1])
                return compute(self, *args, **kwargs)

            JepaTrainer.compute_loss = sending
        try:
            run_tiny(folder, "training.per_device_train_batch_size=4", *overrides, **options)
        except Interrupted as end:
            raise SystemExit(end.exit_status) from end
        except JepaError as error:
            (folder.parent / f"said-{rank}").write_text(str(error))
            raise SystemExit(error.exit_status) from error

    return together(2, work)


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "run"
    assert run_two(folder) == [0, 0]
    return folder


@pytest.mark.parametrize(("rank", "number"), [(1, signal.SIGTERM), (0, signal.SIGINT)])
def test_a_signal_to_one_stops_both_at_one_step_and_both_go_on_to_the_same_bits(two, tmp_path, rank, number):
    folder = tmp_path / "run"
    assert run_two(folder, kill=(rank, number)) == [128 + number] * 2
    assert check_checkpoint(newest(folder / "checkpoints", None, pytest.fail)) == 4
    assert run_two(folder) == [0, 0]
    for name in ("model.safetensors", "optimizer.safetensors", "random_0.safetensors", "random_1.safetensors"):
        last = Path("checkpoints/checkpoint-8") / name
        assert digest(folder / last) == digest(two / last), name
    assert digest(folder / "metrics.json") == digest(two / "metrics.json")


def test_a_run_of_two_does_not_go_on_in_one(two, tmp_path):
    with pytest.raises(OtherRecipe, match="of a run in 2 processes, this one has 1"):
        run_tiny(tmp_path / "one", "training.per_device_train_batch_size=4", resume=two / "checkpoints/checkpoint-4")


def test_both_end_where_the_first_may_not_start(tmp_path):
    folder = tmp_path / "run"
    with locked(folder):
        assert run_two(folder) == [1, 1]
    assert "another run is at work there" in (tmp_path / "said-0").read_text()
    assert (tmp_path / "said-1").read_text() == "stopped, because the first process failed"


def test_both_end_where_the_first_can_not_save(tmp_path):
    (tmp_path / "run").mkdir()

    def work(rank: int) -> None:
        JepaTrainer._write = refuse
        run_tiny(tmp_path / "run")

    def refuse(self, checkpoints, randoms):
        raise JepaError("no")

    assert together(2, work) == [1, 1]


def test_what_goes_wrong_in_the_first_is_the_others_to_know_whatever_it_is(tmp_path, capfd):
    def work(rank: int) -> None:
        JepaTrainer._write = refuse
        run_tiny(tmp_path / "run")

    def refuse(self, checkpoints, randoms):
        raise OSError(13, "Permission denied", "x")

    (tmp_path / "run").mkdir()
    assert together(2, work) == [1, 1]
    said = capfd.readouterr().err
    assert "PermissionError: [Errno 13] Permission denied: 'x'" in said
    assert "JepaError: stopped, because the first process failed" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_who_meets_nobody_ends_with_a_word(tmp_path, capfd, rank):
    """Happens when torchrun is killed while its processes come up; torch itself tries again and again."""

    def alone() -> None:
        os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9", "TORCHELASTIC_USE_AGENT_STORE": "True"}
        AcceleratorState._reset_state(reset_partial_state=True)
        run_tiny(tmp_path / "run", "training.ddp_timeout=1")

    assert in_child(alone) == 1
    said = capfd.readouterr().err
    assert f"jepa-run: process {rank} did not meet the others within 1 seconds" in said
    assert "Traceback" not in said
    assert not (tmp_path / "run" / "recipe.resolved.yaml").exists()


def test_several_processes_are_left_out_of_this_one():
    """Settings of the children stay theirs."""
    assert in_child(lambda: None) == 0
    assert "RANK" not in os.environ
    assert start_together(0, lambda rank: None) == []
