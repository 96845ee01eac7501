"""``relational_scale`` for as long as time is left, by its own recipe but for the number of steps and TF32."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks import ours
from benchmarks.gpu.results import Result
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.steps import Clock
from benchmarks.gpu.timing import device_here

#: The share of the time left for the training itself; the rest is for building again, verifying and evaluating.
SHARE = 0.7
METRICS = ("mrr", "concept_mrr", "concept_hits@1", "concept_hits@10", "concept_blind_hits@1")
EVALUATIONS = 4


def run(result: Result, sizes: Sizes) -> None:
    folder = (result.folder or Path()) / "scale_run"
    began = time.time()
    warm_up, probe = (1, 2) if sizes.tiny else (5, 30)
    built = ours.build("relational_scale", [*sizes.scale, *settings(folder / "probe", probe)], device_here())
    result.row("Times", what="building", seconds=round(time.time() - began, 1))
    began = time.time()
    scores(result, "untrained", built.trainer.evaluate_splits())
    evaluation = time.time() - began
    result.row("Times", what="one evaluation", seconds=round(evaluation, 1))
    step = seconds_a_step(built, warm_up)
    result.row("Times", what="one step", seconds=round(step, 4))
    del built
    steps = affordable(result.left(), step, evaluation, sizes)
    result.note(f"{steps} steps are trained.")
    train(result, folder / "run", steps, sizes)


def settings(folder: Path, steps: int) -> list[str]:
    found = [f"output_dir={folder}", f"training.max_steps={steps}", "training.save_steps=null"]
    return [*found, "training.tf32=true"] if device_here() == "cuda" else found


def seconds_a_step(built: Any, warm_up: int) -> float:
    """Measures the seconds a step in the Trainer, loading and planning included."""
    clock = Clock(warm_up)
    built.trainer.add_callback(clock)
    built.trainer.train()
    return (clock.ended - clock.began) / (built.trainer.state.max_steps - warm_up)


def affordable(left: float, step: float, evaluation: float, sizes: Sizes) -> int:
    """The number of steps that fit into the time left, beside the evaluations."""
    seconds = SHARE * left - (EVALUATIONS + 1) * evaluation
    return max(1, min(sizes.most_steps, int(seconds / step)))


def train(result: Result, folder: Path, steps: int, sizes: Sizes) -> None:
    """The run as a user starts it; its evaluations are rows as soon as they are made."""
    import jepa_core

    every = max(1, steps // EVALUATIONS)
    overrides = [*sizes.scale, *settings(folder, steps), f"training.eval_steps={every}"]
    overrides += [f"training.logging_steps={max(1, every // 5)}", f"training.warmup_steps={min(200, steps // 5)}"]
    recipe = jepa_core.load_recipe("relational_scale", overrides=overrides)
    began = time.time()
    done = jepa_core.run(recipe, device="cpu" if device_here() == "cpu" else None)
    result.row("Times", what="the whole run", seconds=round(time.time() - began, 1))
    scores(result, f"after {steps} steps", done.metrics)


def scores(result: Result, when: str, metrics: dict[str, dict[str, Any]]) -> None:
    for split, found in metrics.items():
        chosen = {name: found[name] for name in METRICS if found.get(name) is not None}
        result.row("Metrics", when=when, split=split, **{name: round(value, 4) for name, value in chosen.items()})
