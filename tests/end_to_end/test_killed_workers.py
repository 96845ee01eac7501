"""A study whose workers are killed at random moments: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from jepa_core.registry import Registry
from jepa_core.study.design import Design
from jepa_core.study.load import load_study
from jepa_core.study.results import read_results
from jepa_core.study.worker import work
from jepa_core.training.trainer import JepaTrainer
from tests.children import Child, in_child
from tests.core.study.specimen import RECIPE, STUDY, write_study

REGISTRY = Registry.discover()
STEPS, SAVED_EVERY, KILLS = 60, 5, 8
LONGER = RECIPE.replace("max_steps: 6", f"max_steps: {STEPS}").replace("save_steps: 2", f"save_steps: {SAVED_EVERY}")
NOTES = Path("steps.jsonl")


def working() -> None:
    """Works at the study, and notes each step before it is taken, with its run and its process."""
    compute = JepaTrainer.compute_loss

    def noting(self: JepaTrainer, *args: Any, **kwargs: Any) -> Any:
        line = {"run": str(self.args.output_dir), "process": os.getpid(), "step": self.state.global_step}
        with NOTES.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return compute(self, *args, **kwargs)

    JepaTrainer.compute_loss = noting  # type: ignore[method-assign]
    work(load_study("study.yaml", REGISTRY), REGISTRY, device="cpu")


def kill_at_random(draw: random.Random, design: Design) -> int:
    """Two workers, of which one or the other is killed and another one started; how many were, before all was done."""
    workers, kills = [Child(working), Child(working)], 0
    while kills < KILLS and not design.finished:
        time.sleep(draw.uniform(0.1, 1.5))
        number = draw.randrange(2)
        os.kill(workers[number].pid, signal.SIGKILL)
        kills += workers[number].wait() == -signal.SIGKILL
        workers[number] = Child(working)
    assert [child.wait() for child in workers] == [0, 0]
    return kills


def outcome(design: Design) -> dict[str, Any]:
    """The content of the table and of ``study.json``, but for the time it took."""
    found = read_results(design, dict.fromkeys(design.study.arms, 1000)).to_json()
    for arm in found["arms"].values():
        for cell in (*arm["cells"], *arm["tuning_cells"]):
            del cell["seconds"]
    return found


def stretches() -> dict[str, list[list[int]]]:
    """The steps that each run took, process by process, in the order of time."""
    notes = [json.loads(line) for line in NOTES.read_text().splitlines()]
    runs: dict[str, list[dict[str, Any]]] = {}
    for note in notes:
        runs.setdefault(note["run"], []).append(note)
    return {
        run: [[note["step"] for note in of] for _, of in groupby(found, key=lambda note: note["process"])]
        for run, found in runs.items()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Any]:
    """The outcome of an undisturbed study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("whole"))
        design = load_study(write_study(STUDY, LONGER), REGISTRY)
        assert in_child(working) == 0
        return outcome(design)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_table_is_that_of_a_study_that_nobody_disturbed(tmp_path, monkeypatch, whole, seed):
    monkeypatch.chdir(tmp_path)
    design = load_study(write_study(STUDY, LONGER), REGISTRY)
    kills = kill_at_random(random.Random(seed), design)
    assert kills >= 3
    assert outcome(design) == whole
    assert not list(Path("out").rglob("*.failed.json"))
    runs = stretches()
    assert len(runs) == design.size
    for found in runs.values():  # each begins at the newest checkpoint of the one before
        for before, after in zip([[-1], *found], found, strict=False):
            assert after == list(range(after[0], after[-1] + 1))
            assert after[0] % SAVED_EVERY == 0
            assert before[-1] - 2 * SAVED_EVERY < after[0] <= before[-1] + 1
        assert found[-1][-1] == STEPS - 1
