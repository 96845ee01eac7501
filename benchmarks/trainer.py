"""Measures what the Trainer costs beside a bare loop, part by part: ``python -m benchmarks.trainer``, for a minute.

A model with next to no work, one layer of width 32. All make the same steps and take turns; processor time of the
training process, medians over all steps. Parts are timed where they are called, so that each finds the caches as a step
leaves them. Writes results/trainer.md.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import wraps
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks import ours
from benchmarks.measuring import RESULTS, table
from benchmarks.tasks import Size
from benchmarks.training import optimizer_of

BATCH, STEPS = 64, 150
Times = defaultdict[str, list[float]]
#: Of the Trainer (or what it has, after a dot), the calls of each part; a name alone is made of no other.
PARTS = {
    "batch and plan": ("get_batch_samples",),
    "forward": ("compute_loss",),
    "backward": ("accelerator.backward",),
    "clipping": ("_clip_grad_norm",),
    "watch for what is not finite": ("_get_grad_norm",),
    "optimizer": ("optimizer.step",),
    "gradients freed": ("objective.zero_grad",),
    "schedule": ("lr_scheduler.step",),
    "callbacks": tuple(
        f"callback_handler.on_{event}" for event in ("step_begin", "pre_optimizer_step", "optimizer_step", "step_end")
    ),
}
WHOLE = "a step"


def of_trainer(folder: str, times: Times, steps: int = STEPS, workers: int = 0) -> None:
    run = _built(folder, steps, workers)

    class Clock(TrainerCallback):
        """Comes last, so what it measures from is a step's end."""

        began = 0.0

        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            for part, calls in PARTS.items():
                for call in calls:
                    _time(run.trainer, call, times[part])
            self.began = time.process_time()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            now = time.process_time()
            times[WHOLE].append(now - self.began)
            self.began = now

    run.trainer.add_callback(Clock())
    run.trainer.train()


def _time(owner: Any, path: str, times: list[float]) -> None:
    """Notes the processor seconds of a call from now on."""
    *inner, name = path.split(".")
    for each in inner:
        owner = getattr(owner, each)
    call = getattr(owner, name)

    @wraps(call)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return call(*args, **kwargs)
        finally:
            times.append(time.process_time() - start)

    setattr(owner, name, timed)


def with_loader(folder: str, times: Times, steps: int = STEPS) -> None:
    """The Trainer with batches read and planned in a process beside it."""
    of_trainer(folder, times, steps, workers=1)


def of_loop(folder: str, times: Times, steps: int = STEPS) -> None:
    run = _built(folder, steps)
    optimizer = optimizer_of(run.objective)
    parameters = list(run.objective.parameters())
    for number in range(steps):
        start = time.process_time()
        took = _in_turn(_step(run, optimizer, parameters, number), start)
        for part, seconds in took.items():
            times[part].append(seconds)
        times[WHOLE].append(sum(took.values()))


def _step(run: Any, optimizer: torch.optim.Optimizer, parameters: list[Any], number: int) -> Iterator[str]:
    """Says of each part, when it is done, which it was."""
    plan = ours.plan(run, ours.batch(run, BATCH, number), "cpu", number)
    yield "batch and plan"
    loss = ours.forward(run, plan).loss
    yield "forward"
    loss.backward()
    yield "backward"
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    yield "clipping"
    optimizer.step()
    yield "optimizer"
    optimizer.zero_grad(set_to_none=True)
    yield "gradients freed"


def _in_turn(parts: Iterator[str], start: float) -> dict[str, float]:
    took = {}
    for part in parts:
        now = time.process_time()
        took[part], start = now - start, now
    return took


def _built(folder: str, steps: int, workers: int = 0) -> Any:
    words = [f"output_dir={folder}", f"training.max_steps={steps}", "training.save_steps=null"]
    words += [f"training.per_device_train_batch_size={BATCH}", f"training.logging_steps={steps}"]
    words += [f"training.dataloader_num_workers={workers}"]
    return ours.build("cosine_k1", [*words, *Size(1, 32, 1).overrides()])


def rows(
    trainer: Mapping[str, Sequence[float]], loop: Mapping[str, Sequence[float]], loader: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    """Milliseconds a step. What is in no part is the Trainer's own loop."""
    found = {part: [_median(arm[part]) * len(calls) for arm in (trainer, loader)] for part, calls in PARTS.items()}
    whole = [_median(arm[WHOLE]) for arm in (trainer, loader)]
    rest = [step - sum(parts) for step, parts in zip(whole, zip(*found.values(), strict=True), strict=True)]
    bare = {part: _median(loop[part]) for part in (*PARTS, WHOLE)}
    return [
        {
            "part": part,
            "Trainer": f"{own:.2f}",
            "bare loop": f"{bare[part]:.2f}" if bare.get(part) else "",
            "more": f"{own - bare.get(part, 0.0):.2f}",
            "Trainer, planned beside": f"{beside:.2f}",
        }
        for part, (own, beside) in {**found, "all else": rest, WHOLE: whole}.items()
    ]


def _median(seconds: Sequence[float]) -> float:
    return 1e3 * statistics.median(seconds) if seconds else 0.0


def main(rounds: int = 3) -> None:
    torch.set_num_threads(1)
    arms: tuple[Callable[..., None], ...] = (of_trainer, of_loop, with_loader)
    times: list[Times] = [defaultdict(list) for _ in arms]
    for _ in range(rounds):
        for arm, noted in zip(arms, times, strict=True):
            with TemporaryDirectory() as folder:
                arm(folder, noted)
    head = (
        f"Milliseconds of the training process's processor, medians of {rounds * STEPS} steps of a model with next to "
        "no work. Planned beside: with `training.dataloader_num_workers: 1`."
    )
    text = f"# The Trainer beside a bare loop, {date.today()}\n\n{head}\n\n{table(rows(*times))}\n"
    (RESULTS / "trainer.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
