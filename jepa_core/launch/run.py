"""A whole run: train, evaluate, save; or resume one; or show one that is finished."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.assembly.build import Run, build
from jepa_core.assembly.provenance import provenance
from jepa_core.assembly.rehearse import rehearse
from jepa_core.checkpoint.weights import save_weights
from jepa_core.distributed import by_first
from jepa_core.errors import JepaError
from jepa_core.folder.lock import locked
from jepa_core.folder.run_folder import RunFolder, write_bytes, write_json, write_text
from jepa_core.launch.resume import agreed, refuse_other_run
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.registry import Registry
from jepa_core.training.stop import ending_on_sigterm
from jepa_core.verify.verify import Verification, counts, verify_start

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe


class Interrupted(JepaError):
    """The run stopped on a signal, with a checkpoint at the step it had reached."""

    def __init__(self, number: int, step: int, folder: Path):
        self.exit_status = 128 + number
        super().__init__(
            f"stopped by {signal.Signals(number).name} at step {step}; the same command goes on from there ({folder})"
        )


@dataclass(frozen=True)
class Result:
    """metrics: split -> name -> value, as in ``metrics.json``; output_dir: the run's folder; state:
    ``trained``, ``resumed`` or, when the run was finished before, ``finished``; captions: of a set or a group -> what a
    reader of its figures should know."""

    metrics: dict[str, dict[str, Any]]
    output_dir: Path
    state: str = "trained"
    captions: Mapping[str, str] = field(default_factory=dict)


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

    A finished run is not repeated, an unfinished one goes on from its last whole checkpoint, unless `overwrite`.
    resume: this checkpoint instead; force_resume: also where the recipe or the number of processes differs;
    device: ``cpu`` keeps the run off a GPU; say: is told what a person should know.

    Raises JepaError: FolderTaken when the folder holds something else, FolderLocked when another run is at
    work in it, BadCheckpoint when no checkpoint is whole, Interrupted on Ctrl-C, NotAsSaid when the quick part
    of ``jepa-run verify`` fails, and whatever is wrong in recipe or data.
    """
    registry = registry or Registry.discover()
    folder = RunFolder(Path(recipe.output_dir))
    folder.refuse_strangers()
    text = resolved(recipe, registry)
    if not overwrite:
        refuse_other_run(folder, text, registry, force_resume)
        if folder.finished:
            return Result(folder.read_metrics(), folder.path, "finished", folder.captions)
    with ending_on_sigterm():
        built = build(recipe, registry, device)  # before anything is deleted: the data may be wrong
        rehearse(built)
        verified = verify_start(built, registry)
        say(f"{describe(built)}\nverified   {counts(verified)}")
        trainer = built.trainer
        trainer.recipe = text
        with ExitStack() as stack:
            by_first(lambda: stack.enter_context(locked(folder.path)), trainer.args.device)
            by_first(lambda: _start(folder, built, verified, overwrite, registry), trainer.args.device)
            checkpoint = agreed(folder, trainer, resume, force_resume, say)
            _train(built, checkpoint, folder)
            metrics = _finish(built, folder)
    return Result(metrics, folder.path, "resumed" if checkpoint else "trained", built.data.captions)


def dry_run(recipe: Recipe, *, device: str | None = None, registry: Registry | None = None) -> str:
    """Builds everything, runs one batch forward and backward, writes nothing; says what it saw."""
    registry = registry or Registry.discover()
    built = build(recipe, registry, device)
    size = min(recipe.training.per_device_train_batch_size, len(built.train_dataset))
    rehearse(built)
    batch = built.collate(built.train_dataset.__getitems__(range(size)))
    plan = built.objective.train().plan(batch)
    out = built.objective(plan=plan)
    out.loss.backward()
    jepa = "none counted" if out.jepa_loss is None else f"{float(out.jepa_loss):.4f}"
    return (
        f"{describe(built)}\none batch of {size}: {plan.tokens} tokens, {plan.labels} labelled, "
        f"{plan.jepa_pairs} pairs; ntp loss {float(out.ntp_loss):.4f}, jepa loss {jepa}\n"
        "dry run: nothing was written"
    )


def describe(built: Run) -> str:
    """What will train on what, in three lines, and what there is to know of the data."""
    recipe, settings = built.recipe, built.recipe.objective
    parameters = sum(p.numel() for p in built.objective.parameters())
    sets = ", ".join(f"{name} {len(data_set):,}" for name, data_set in built.eval_datasets.items())
    return (
        f"data       {recipe.data.name}: {len(built.train_dataset):,} training samples, vocabulary "
        f"{built.vocabulary.size:,}; to evaluate: {sets}\n"
        f"model      {built.objective.model.config.model_type}, {parameters:,} parameters, {recipe.model.dtype}\n"
        f"objective  {settings.gamma_ntp:g} ntp + {_weight(settings.lambda_jepa)} {settings.distance.name}, "
        f"{settings.reversal.name} reversal, {settings.mask.name} mask, k = {settings.k}"
        + "".join(f"\nnote       {note}" for note in built.data.notes)
    )


def _noted(built: Run) -> dict[str, Any]:
    """What a reader of the folder should know of its data."""
    return {"sets": list(built.data.evaluation), "captions": dict(built.data.captions)}


def _weight(weight: Any) -> str:
    return f"{weight:g}" if isinstance(weight, int | float) else f"({weight.start:g} to {weight.end:g})"


def _start(folder: RunFolder, built: Run, verified: Verification, overwrite: bool, registry: Registry) -> None:
    """What the folder says from now on."""
    if overwrite:
        folder.clear()
    text = built.trainer.recipe or {}
    write_text(folder.recipe, dump_yaml({**text, "resolved": {**provenance(built.recipe, registry), **_noted(built)}}))
    write_text(folder.vocabulary, json.dumps(built.vocabulary.to_json()) + "\n")
    write_json(folder.verification, verified.to_json())


def _train(built: Run, checkpoint: Path | None, folder: RunFolder) -> None:
    from jepa_core.training.callbacks import ProgressLine
    from jepa_core.training.stop import StopOnSignal

    trainer = built.trainer
    by_type = {type(callback): callback for callback in trainer.callback_handler.callbacks}
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:  # an error skips on_train_end
        by_type[ProgressLine].close()
        by_type[StopOnSignal].restore()
    if caught := by_type[StopOnSignal].caught:
        raise Interrupted(caught, trainer.state.global_step, folder.path)


def _finish(built: Run, folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Evaluates, saves the model, and writes the metrics last: they say that the run is finished."""
    metrics = built.trainer.evaluate_splits()

    def save() -> None:
        save_weights(built.objective, folder.model)
        for name, content in built.data.tokenizer_files.items():
            write_bytes(folder.model / name, content.encode() if isinstance(content, str) else content)
        write_json(folder.metrics, metrics)

    by_first(save, built.trainer.args.device)
    return metrics
