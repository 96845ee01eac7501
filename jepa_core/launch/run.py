"""A whole run: train, evaluate, save; or resume one; or show one that is finished."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.assembly.build import Run, build
from jepa_core.assembly.card import write_card
from jepa_core.assembly.changes import keep_for_resuming
from jepa_core.assembly.first_evaluation import try_evaluation
from jepa_core.assembly.provenance import licences, provenance
from jepa_core.assembly.watched_step import watched_step
from jepa_core.checkpoint.choosing import chosen, in_order
from jepa_core.checkpoint.manifest import step_of
from jepa_core.checkpoint.parts import put_all_together
from jepa_core.checkpoint.weights import State, answer_greedily, save_weights
from jepa_core.distributed import by_first
from jepa_core.errors import JepaError, without_traceback
from jepa_core.evaluation.finite import not_finite, nothing_finite
from jepa_core.folder.files import NotWritten, read_bytes, write_bytes, write_json, write_text
from jepa_core.folder.lock import locked
from jepa_core.folder.run_folder import RunFolder
from jepa_core.folder.whole_folder import whole_folder
from jepa_core.launch.dry_run import describe_run, nothing_counts
from jepa_core.launch.rehearsal import learn_and_rehearse
from jepa_core.launch.result import Result
from jepa_core.launch.resume import agreed, left_to_train, recipe_in
from jepa_core.recipe.cautions import cautions
from jepa_core.recipe.resolve import differences, dump_yaml, resolved
from jepa_core.recipe.schema import refuse_no_recipe
from jepa_core.recipe.strict_yaml import load_yaml
from jepa_core.recipe.trackers import refuse_missing_trackers
from jepa_core.registry import Registry
from jepa_core.signals import ending_on_signals
from jepa_core.verify.verify import Verification, counts, verify_start

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.training.trainer import JepaTrainer


class Interrupted(JepaError):
    """The run stopped on a signal, with a checkpoint at the step it had reached."""

    def __init__(self, number: int, step: int, folder: Path):
        self.exit_status = 128 + number
        super().__init__(
            f"stopped by {signal.Signals(number).name} at step {step}; the same command goes on from there ({folder})"
        )


def run(
    recipe: Recipe,
    *,
    overwrite: bool = False,
    resume: Path | None = None,
    force_resume: bool = False,
    device: str | None = None,
    registry: Registry | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Result:
    """Trains, evaluates and saves what `recipe` says, into its ``output_dir``.

    A finished run is not repeated, but continues to more steps than it has; an unfinished one resumes from its last
    whole checkpoint, unless `overwrite`. resume: this checkpoint instead; force_resume: also where recipe, data or
    the number of processes differ; device: ``cpu`` keeps the run off a GPU; say: gets messages for the user.

    Raises JepaError: FolderTaken when the folder holds something else, FolderLocked when another run is at
    work in it, BadCheckpoint when no checkpoint is whole, Interrupted on Ctrl-C, NotAsSaid when the quick part
    of ``jepa-run verify`` fails, and whatever is wrong in recipe or data.
    """
    refuse_no_recipe(recipe)
    registry = registry or Registry.discover()
    one = partial(_run, device=device, registry=registry, say=say)
    how: dict[str, Any] = {"overwrite": overwrite, "resume": resume, "force_resume": force_resume}
    if recipe.rehearsal is None:
        return one(recipe, **how)
    return learn_and_rehearse(recipe, one, registry, device=device, say=say, **how)


def _run(
    recipe: Recipe,
    *,
    overwrite: bool,
    resume: Path | None,
    force_resume: bool,
    device: str | None,
    registry: Registry,
    say: Callable[[str], None],
    make: Callable[[Recipe, Registry, str | None], Run] = build,
    at_start: Callable[[], None] = lambda: None,
) -> Result:
    """Carries out one run in one folder. make: builds it; at_start: called before the folder is first written to."""
    folder = RunFolder(Path(recipe.output_dir))
    folder.refuse_strangers()
    refuse_missing_trackers(recipe)
    text = resolved(recipe, registry)
    if overwrite and (resume or force_resume):
        raise JepaError("overwrite starts anew, resume goes on: give one of them")
    if not overwrite and not left_to_train(folder, text, registry, resume, force_resume):
        return Result(folder.read_metrics(), folder.path, "finished", folder.captions)
    if resume is not None:
        chosen(resume, text, force_resume)  # before anything is made or written
    folder.refuse_read_only()
    from jepa_core.assembly.trainer import planned_steps

    with ending_on_signals(), folder.leaving_no_trace():
        built = make(recipe, registry, device)  # before anything is deleted: the data may be wrong
        verified = _verified(built, registry, say)
        trainer = _trainer(built, folder)
        trainer.recipe, steps = text, planned_steps(trainer)
        for warning in (*cautions(built.recipe, steps), *nothing_counts(built, steps)):
            say(warning)
        with ExitStack() as stack:
            by_first(lambda: stack.enter_context(locked(folder.path)), trainer.args.device)
            by_first(lambda: keep_for_resuming(built, registry), trainer.args.device)
            checkpoint = None if overwrite else agreed(folder, built, resume, force_resume, say)
            by_first(at_start, trainer.args.device)
            by_first(lambda: _start(folder, built, verified, overwrite, registry), trainer.args.device)
            stack.callback(trainer.trackers.finish)
            _train(built, checkpoint, folder, say)
            metrics = trainer.evaluate_splits()
            _refuse_no_model(metrics, trainer.state.global_step)
            trainer.trackers.finish(metrics)
            state = put_all_together(built.objective) if built.objective.transformer.lockstep else None
            by_first(lambda: _finish(folder, built, verified, metrics, registry, state), trainer.args.device)
    for warning in (*not_finite(metrics), *_health(trainer)):
        say(warning)
    return Result(metrics, folder.path, "resumed" if checkpoint else "trained", built.data.captions)


def _verified(built: Run, registry: Registry, say: Callable[[str], None]) -> Verification:
    """Tries a step, an evaluation and the checks of a start, then says what is run and what there is to warn of."""
    watched_step(built)
    try_evaluation(built)
    verified = verify_start(built, registry)
    say(f"{describe_run(built)}\nverified   {counts(verified)}")
    for row in verified.warned:
        say(f"warning: {row.name}: {row.told}: {row.evidence}")
    return verified


def _noted(built: Run, registry: Registry) -> dict[str, Any]:
    """Notes on the data for readers of the folder."""
    told = {"sets": list(built.data.evaluation), "captions": dict(built.data.captions)}
    return {**told, **({"licences": found} if (found := licences(built.recipe, registry)) else {})}


def _trainer(built: Run, folder: RunFolder) -> JepaTrainer:
    try:
        return built.trainer
    except OSError as error:  # transformers makes the folder for checkpoints
        raise NotWritten(folder.path, error) from error


def _start(folder: RunFolder, built: Run, verified: Verification, overwrite: bool, registry: Registry) -> None:
    """Writes down what runs from now on. A finished run's result stays until there is a newer one."""
    if overwrite:
        folder.clear()
    _keep_older_recipe(folder, built.trainer.recipe or {}, registry)
    if not folder.finished:
        _say_what_runs(folder, built, verified, registry)


def _keep_older_recipe(folder: RunFolder, text: dict[str, Any], registry: Registry) -> None:
    """Keeps the recipe that the checkpoints were made under, beside another one that resumes from them."""
    before = in_order(folder.checkpoints)
    if before and folder.started and differences(recipe_in(folder.recipe, registry), text):
        kept = folder.recipe_until(step_of(before[-1]))
        if not kept.exists():
            write_bytes(kept, read_bytes(folder.recipe))


def _say_what_runs(folder: RunFolder, built: Run, verified: Verification, registry: Registry) -> None:
    trainer = built.trainer
    noted = {**provenance(built.recipe, registry), **_noted(built, registry), **trainer.made_with}
    write_text(folder.recipe, dump_yaml({**(trainer.recipe or {}), "resolved": noted}))
    write_text(folder.vocabulary, json.dumps(built.vocabulary.to_json()) + "\n")
    write_json(folder.verification, verified.to_json())


def _train(built: Run, checkpoint: Path | None, folder: RunFolder, say: Callable[[str], None]) -> None:
    from jepa_core.training.callbacks import MetricsFile, ProgressLine
    from jepa_core.training.stop import StopOnSignal

    trainer = built.trainer
    by_type = {type(callback): callback for callback in trainer.callback_handler.callbacks}
    by_type[MetricsFile].say = say
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except JepaError as error:
        without_traceback(error)
        raise
    finally:  # an error skips on_train_end
        by_type[ProgressLine].close()
        by_type[StopOnSignal].restore()
    if caught := by_type[StopOnSignal].caught:
        raise Interrupted(caught, trainer.state.global_step, folder.path)


def _health(trainer: JepaTrainer) -> list[str]:
    """The warnings from the last figures of the embeddings."""
    from jepa_core.training.health_log import HealthLog

    logs = [each for each in trainer.callback_handler.callbacks if isinstance(each, HealthLog)]
    return [f"warning: {log.warning}" for log in logs if log.warning]


def _refuse_no_model(metrics: dict[str, dict[str, Any]], step: int) -> None:
    from jepa_core.training.finite import ADVICE, NonFiniteError

    if nothing_finite(metrics):
        raise NonFiniteError(f"ntp_loss is not finite for any answer in the evaluation after step {step} ({ADVICE})")


def _finish(
    folder: RunFolder,
    built: Run,
    verified: Verification,
    metrics: dict[str, dict[str, Any]],
    registry: Registry,
    state: State | None,
) -> None:
    """Saves the model, and writes the metrics last: they say that the run is finished. state: the objective's whole
    one, where it is split over processes."""
    again = folder.finished
    if again:  # from here until it is written again, the folder has no result
        folder.metrics.unlink()
    size = sum(tensor.nbytes for tensor in built.objective.state_dict().values())
    if built.data.longest_answer is not None:
        answer_greedily(built.objective.model, built.data.longest_answer())
    with whole_folder(folder.model, size) as draft:
        save_weights(built.objective, draft, state)
        for name, content in built.data.tokenizer_files.items():
            write_bytes(draft / name, content.encode() if isinstance(content, str) else content)
    if again:
        _say_what_runs(folder, built, verified, registry)
    write_card(folder.card, load_yaml(folder.recipe).data, metrics)
    write_json(folder.metrics, metrics)
