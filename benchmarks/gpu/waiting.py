"""Finding the code that waits for the device: an error in a bare step of ours, counted by place in the Trainer's."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import TrainerCallback

from benchmarks import ours
from benchmarks.gpu.equality import MODEL
from benchmarks.gpu.results import Result, Skipped
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.timing import autocast, device_here, synchronize
from benchmarks.gpu.worker import one_line
from benchmarks.tasks import TEXT, text
from benchmarks.training import optimizer_of, train_step

STEPS = 3
RECIPES = ("cosine_k1", "concept", "relational", "relational_tokens")
SMALL = ["data.entities_both_ways=100", "data.entities_one_way=40", "data.relation_pairs=2"]
#: Packages whose innermost line on the stack is named as the place of a wait.
PACKAGES = ("jepa_core", "jepa_plugins", "plugins", "transformers", "accelerate")


def run(result: Result, sizes: Sizes) -> None:
    samples, count = (8, 1) if sizes.tiny else (64, STEPS)
    with TemporaryDirectory() as folder:
        model = MODEL if sizes.tiny else []
        cases = dict.fromkeys(RECIPES, SMALL) | {TEXT: text(Path(folder), 30, 100, 400)}
        for recipe, overrides in cases.items():
            for layout in ours.LAYOUTS:
                built = ours.offered(recipe, [*overrides, *model], layout, device_here())
                if not isinstance(built, str):
                    bare_steps(result, recipe, layout, built, samples, count)
        trainer_steps(result, f"{folder}/run", samples)
    if device_here() == "cpu":
        raise Skipped("no CUDA device: the steps ran, and nothing watched them")


def bare_steps(result: Result, recipe: str, layout: str, built: Any, samples: int, count: int) -> None:
    """Plan, move, forward, backward, clip, optimizer: once to warm up, then counted, then as an error."""
    optimizer = optimizer_of(built.objective)

    def steps() -> None:
        for number in range(count):
            batch = ours.batch(built, samples, number)
            with autocast("bf16"):
                loss = ours.forward(built, ours.plan(built, batch, device_here())).loss
            train_step(optimizer, loss)

    steps()
    places = waits(steps)
    refused = error_of(steps)
    result.row(
        "Bare steps (plan, move, forward, backward, clip, AdamW)",
        recipe=recipe,
        layout=layout,
        **{"waits a step": round(places.total() / count, 1)},
        **{"as an error": refused or "none"},
        where=words_of(places),
    )
    own = [place for place in places if place.startswith(("jepa_core", "plugins", "jepa_plugins"))]
    if own or (refused and not places):
        result.beyond(f"{recipe}, {layout}: waits in {', '.join(own) or refused}")


def trainer_steps(result: Result, folder: str, samples: int) -> None:
    """The Trainer's steps of a run, from where its second begins to where the last ends."""
    overrides = [f"output_dir={folder}", f"training.max_steps={STEPS + 1}", "training.save_steps=null"]
    overrides += [f"training.per_device_train_batch_size={samples}", "training.logging_steps=100"]
    built = ours.build("cosine_k1", [*SMALL, *overrides], device_here())
    places: Counter[str] = Counter()
    built.trainer.add_callback(Watched(places))
    try:
        built.trainer.train()
    finally:
        mode("default")
    result.row(
        "Steps of the Trainer",
        recipe="cosine_k1",
        **{"waits a step": round(places.total() / STEPS, 1)},
        where=words_of(places),
    )


class Watched(TrainerCallback):
    """Counts the waits between two ends of steps, from the end of the first on: loading and planning are within."""

    def __init__(self, places: Counter[str]):
        self.places = places
        self.watch: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.watch is None:
            synchronize()
            self.watch = counted(self.places)
            self.watch.__enter__()
        elif state.global_step == state.max_steps:
            self.watch.__exit__(None, None, None)


def waits(steps: Callable[[], None]) -> Counter[str]:
    places: Counter[str] = Counter()
    with counted(places):
        steps()
    return places


@contextmanager
def counted(places: Counter[str]) -> Iterator[None]:
    """Counts waits for the device in `places`, by the line that caused them."""

    def note(message: Any, *args: Any, **kwargs: Any) -> None:
        if "called a synchronizing" in str(message):  # and not torch's word that this watch is a prototype
            places[asking()] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        mode("warn")
        try:
            yield
        finally:
            mode("default")


def error_of(steps: Callable[[], None]) -> str:
    """The message of the first wait where waiting is an error; empty without any."""
    mode("error")
    try:
        steps()
    except RuntimeError as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{one_line(error)[:80]} ({shown(where)})"
    finally:
        mode("default")
    return ""


def mode(name: str) -> None:
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode(name)


def asking() -> str:
    """The innermost line of ours, transformers' or accelerate's; else of whoever else it was."""
    here = str(Path(__file__).parent)
    stack = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(here)]
    inner = [frame for frame in stack if any(f"/{name}/" in frame.filename for name in PACKAGES)]
    return shown((inner or stack)[-1])


def shown(frame: traceback.FrameSummary) -> str:
    """``package/module.py:12 function``, without where the package lies."""
    path = frame.filename
    for name in (*PACKAGES, "benchmarks", "torch"):
        if f"/{name}/" in path:
            path = path[path.rindex(f"/{name}/") + 1 :]
            break
    return f"{path}:{frame.lineno} {frame.name}"


def words_of(places: Counter[str]) -> str:
    return "; ".join(f"{count} × {place}" for place, count in places.most_common(6)) or "nowhere"
