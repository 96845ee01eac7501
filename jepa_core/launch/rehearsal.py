"""A run that learns, asks what it has learned, and rehearses that: two ordinary runs, one inside the other's folder.

``learned/`` holds the first, a run like any other. ``rehearsed.jsonl`` holds what the asker decided, made once. The
second run is in the folder itself and starts from the learned weights. Each is resumed, finished and started anew like
any run. With rounds of self-training ``learned/`` holds such a pair itself, once more for each round: each learns on
with the rows that the model is sure of by then.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from jepa_core.assembly.assemble import assemble, load_data
from jepa_core.assembly.build import Run, build, build_on
from jepa_core.assembly.provenance import provenance
from jepa_core.assembly.rehearsed import (
    Rows,
    asker_of,
    extended,
    hash_of,
    learning,
    read_rows,
    rehearsing,
    write_rows,
)
from jepa_core.checkpoint.weights import component_state
from jepa_core.components import Rehearsed
from jepa_core.errors import JepaError
from jepa_core.folder.files import UNFINISHED, NotWritten, write_text
from jepa_core.folder.run_folder import FolderTaken, RunFolder
from jepa_core.launch.resume import left_to_train, recipe_in
from jepa_core.progress import speaks
from jepa_core.recipe.resolve import differences, dump_yaml, resolved
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import TaskData

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe

Outcome = TypeVar("Outcome")
Say = Callable[[str], None]
Make = Callable[["Recipe", Registry, "str | None"], Run]


def learn_and_rehearse(
    recipe: Recipe,
    run_one: Callable[..., Outcome],
    registry: Registry,
    *,
    overwrite: bool,
    resume: Path | None,
    force_resume: bool,
    device: str | None,
    say: Say,
    make: Make = build,
    at_start: Callable[[], None] = lambda: None,
) -> Outcome:
    """Runs both halves, as far as they are not finished; returns the second one's outcome. With rounds of self-training
    the first half is such a run itself.

    run_one: runs one recipe in its folder; resume: a checkpoint of either half; make: builds what learns first;
    at_start: called before the folder is first written to. Raises what a run raises, and FolderTaken where learning
    would continue after something was rehearsed.
    """
    folder, text, first = RunFolder(Path(recipe.output_dir)), resolved(recipe, registry), learning(recipe)
    folder.refuse_strangers()
    inside = resume is not None and resume.absolute().is_relative_to(folder.learned.absolute())
    of_first, of_second = (resume, None) if inside else (None, resume)
    if not overwrite and left_to_train(folder, text, registry, of_second, force_resume):
        _refuse_learning_more(folder, resolved(first, registry), registry, of_first, force_resume)
    if overwrite or not folder.finished:
        begin = partial(_begin, folder, recipe, text, registry, overwrite, at_start)
        how: dict[str, Any] = {"overwrite": overwrite, "resume": of_first, "force_resume": force_resume}
        how |= {"make": partial(_build_first, recipe, make), "at_start": begin}
        if first.rehearsal is None:
            run_one(first, **how)
        else:
            learn_and_rehearse(first, run_one, registry, device=device, say=say, **how)
    second = partial(_build_second, folder, say)
    return run_one(recipe, overwrite=False, resume=of_second, force_resume=force_resume, make=second)


def try_second(recipe: Recipe, first: Run, registry: Registry) -> None:
    """Puts the second half together beside the first one, so that its faults are known before learning.

    Raises RecipeError or ComponentError; random numbers stay as they were.
    """
    asker_of(recipe, registry)
    with torch.random.fork_rng(devices=[]):
        second = assemble(rehearsing(recipe), first.data, registry)
        both = (first.objective, second)
        names = [{name: tensor.shape for name, tensor in component_state(each).items()} for each in both]
        second.close()
    if names[0] != names[1]:
        other = ", ".join(sorted(names[0].keys() ^ names[1].keys())) or "of other shapes"
        raise recipe.error("rehearsal.objective", f"its components have other parameters than those learned: {other}")


def take_learned(recipe: Recipe, finished: Iterable[RunFolder], registry: Registry) -> RunFolder | None:
    """Copies into a run that has not begun what one of the `finished` runs learned by the same recipe, which learns the
    same, bit by bit; or, under rounds of self-training, what they begin with. Returns that run's folder, or None where
    there is none."""
    folder = RunFolder(Path(recipe.output_dir))
    if recipe.rehearsal is None or folder.path.exists():
        return None
    runs, first = [*finished], learning(recipe)
    taken = _copy_learned(first, runs, registry) or take_learned(first, runs, registry)
    if taken:
        write_text(folder.recipe, dump_yaml({**resolved(recipe, registry), "resolved": provenance(recipe, registry)}))
    return taken


def _copy_learned(first: Recipe, runs: Sequence[RunFolder], registry: Registry) -> RunFolder | None:
    wanted = resolved(first, registry)
    for other in runs:
        for learned in _learned_in(other):
            if not differences(recipe_in(learned.recipe, registry), wanted):
                _copy_whole(learned.path, Path(first.output_dir))
                return other
    return None


def _learned_in(folder: RunFolder) -> Iterator[RunFolder]:
    """Yields what a run learned before it rehearsed, and what each round of its self-training learned before that."""
    while (folder := RunFolder(folder.learned)).finished:
        yield folder


def _copy_whole(source: Path, target: Path) -> None:
    """Copies a folder; half a copy never bears its name. Raises NotWritten."""
    draft = target.with_name(target.name + UNFINISHED)
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, draft)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise NotWritten(target, error) from error


def _refuse_learning_more(
    folder: RunFolder, text: dict[str, Any], registry: Registry, resume: Path | None, force: bool
) -> None:
    learned = RunFolder(folder.learned)
    if folder.rehearsed.is_file() and learned.finished and left_to_train(learned, text, registry, resume, force):
        raise FolderTaken(
            f"{folder.path}: what it rehearses was asked of what it had learned, so it can't learn more now; give "
            "another output_dir, or --overwrite to start anew"
        )


def _build_first(recipe: Recipe, make: Make, first: Recipe, registry: Registry, device: str | None) -> Run:
    built = make(first, registry, device)
    try_second(recipe, built, registry)
    return built


def _begin(
    folder: RunFolder,
    recipe: Recipe,
    text: dict[str, Any],
    registry: Registry,
    overwrite: bool,
    outer: Callable[[], None],
) -> None:
    """Makes the outer folder this run's, before anything is written into the inner one."""
    outer()
    if overwrite:
        folder.clear()
    if overwrite or not folder.started:
        write_text(folder.recipe, dump_yaml({**text, "resolved": provenance(recipe, registry)}))


def _build_second(folder: RunFolder, say: Say, recipe: Recipe, registry: Registry, device: str | None) -> Run:
    weights, data = RunFolder(folder.learned).model, load_data(recipe, registry)
    rows = _rows(folder, weights, data, recipe, registry, device, say)
    return build_on(extended(recipe, data, registry, rows), rehearsing(recipe), registry, device, weights)


def _rows(
    folder: RunFolder, weights: Path, data: TaskData, recipe: Recipe, registry: Registry, device: str | None, say: Say
) -> Rows:
    """The rows to rehearse: read from their file, or asked for now and written there."""
    made_of = {"learned": hash_of(weights), "asker": resolved(recipe, registry)["rehearsal"]["asker"]}
    if folder.rehearsed.is_file():
        before, rows = read_rows(folder.rehearsed)
        if any(before.get(key) != value for key, value in made_of.items()):
            raise JepaError(
                f"{folder.rehearsed}: asked of other weights, or in another way, than the run has now; --overwrite "
                "starts anew"
            )
        return rows
    found = _ask(weights, data, recipe, registry, device)
    say(in_words(found))
    if speaks():  # all processes found the same; one writes
        write_rows(folder.rehearsed, made_of, found)
    return found.rows


def _ask(weights: Path, data: TaskData, recipe: Recipe, registry: Registry, device: str | None) -> Rehearsed:
    """Asks the learned objective. The asker sees it and the training set, and nothing that is held out."""
    objective = assemble(learning(recipe), data, registry, weights).eval()
    try:
        objective.to("cpu" if device == "cpu" or not torch.cuda.is_available() else "cuda")
        shown = replace(data, evaluation={}, candidates=None, checks={})
        found = asker_of(recipe, registry)(objective, shown)
    finally:
        objective.close()
    if not isinstance(found, Rehearsed):
        raise recipe.error("rehearsal.asker", f"breaks its contract: it returns {type(found).__name__}, not Rehearsed")
    return found


def in_words(found: Rehearsed) -> str:
    """Sums up in a sentence what asking gave."""
    counts = ", ".join(f"{name} {count:,}" for name, count in found.counts.items())
    if not found.rows:
        nothing = "sure of nothing, so nothing is rehearsed; training goes on without further rows"
        return f"rehearsal  {counts}: {nothing}" + (f"; {found.advice}" if found.advice else "")
    return f"rehearsal  {counts}: sure of {len(found.rows):,}, which are trained from now on ({_confidence(found)})"


def _confidence(found: Rehearsed) -> str:
    sure = [float(row["confidence"]) for row in found.rows]
    return f"confidence {min(sure):.3f} to {max(sure):.3f}"
