"""Decides whether a folder's run is this recipe's, and from which checkpoint it resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.assembly.changes import OtherData, code_changes, data_changes, version_changes, vocabulary_beside
from jepa_core.checkpoint.choosing import (
    LENGTHS,
    OtherRecipe,
    chosen,
    grew,
    in_order,
    made_with,
    newest,
    not_allowed,
)
from jepa_core.checkpoint.manifest import folder_name, step_of
from jepa_core.distributed import by_first, from_first
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import FolderTaken, RunFolder
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import differences, resolved
from jepa_core.registry import Registry

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run

Data = dict[str, Any]


class OtherRecipeThere(FolderTaken):
    """The output folder holds a run of another recipe: this one needs a folder of its own."""


def left_to_train(folder: RunFolder, text: Data, registry: Registry, resume: Path | None, force: bool) -> bool:
    """Tells whether anything is left to do; nothing is where the folder holds this very run, finished.

    A folder belongs to one recipe; only a greater length is a reason to continue in it. text: the recipe, resolved;
    resume: the checkpoint that the user asks for; force: continue under another recipe.
    Raises FolderTaken naming what differs.
    """
    if not folder.started:
        return True
    before = recipe_in(folder.recipe, registry)
    if folder.finished:
        return _more_than_finished(folder, before, text, resume, force)
    changed = not_allowed(before, text)
    if changed and not force and not any(not not_allowed(older, text) for older in _older(folder, registry)):
        raise _taken(folder, "an unfinished", changed, ", or --force-resume to go on with what it learned")
    return True


def _more_than_finished(folder: RunFolder, before: Data, text: Data, resume: Path | None, force: bool) -> bool:
    """Tells whether a finished run continues: to more steps or, forced, under another recipe from a checkpoint."""
    changed = not_allowed(before, text)
    longer = any(grew(before, text, key) for key in LENGTHS)
    if changed and not force:
        raise _taken(folder, "a finished", changed)
    if not longer and changed and resume is None:
        raise _taken(folder, "a finished", changed, "; under another recipe it has no step left (give it more)")
    if not longer and not changed:
        if resume is not None:
            chosen(resume, text, force)  # it may not be there
        return False
    if resume is None and not in_order(folder.checkpoints):
        raise FolderTaken(
            f"{folder.path}: holds a finished run without a checkpoint (save_steps: null), from which nothing can "
            "go on; give another output_dir, or --overwrite to start anew"
        )
    return True


def _taken(folder: RunFolder, what: str, changed: list[str], more: str = "") -> OtherRecipeThere:
    return OtherRecipeThere(
        f"{folder.path}: holds {what} run of another recipe (differs in {', '.join(changed)}); "
        f"give another output_dir, or --overwrite to start anew{more}"
    )


def other_recipe(folder: RunFolder, text: Data, registry: Registry) -> list[str]:
    """The keys in which the recipe of the run in `folder` differs from this one, but for more steps to come."""
    if not folder.started:
        return []
    before = recipe_in(folder.recipe, registry)
    return differences(before, text) if folder.finished else not_allowed(before, text)


def recipe_in(path: Path, registry: Registry) -> Data:
    return resolved(load_recipe(path, registry=registry), registry)


def _older(folder: RunFolder, registry: Registry) -> list[Data]:
    """The recipes that the run trained under before it was resumed under another one."""
    found = []
    for path in folder.older_recipes:
        try:
            found.append(recipe_in(path, registry))
        except JepaError:  # its plugin is gone, so it is not the recipe asked for
            continue
    return found


def agreed(folder: RunFolder, built: Run, resume: Path | None, force: bool, say: Callable[[str], None]) -> Path | None:
    """The checkpoint to resume from, the same in all processes; None to start at the first step. Writes nothing.

    resume: the one that the user asked for. Raises BadCheckpoint, OtherRecipe or OtherData.
    """
    text, device = built.trainer.recipe or {}, built.trainer.args.device
    found: list[Path] = []

    def choose() -> None:
        path = chosen(resume, text, force) if resume else newest(folder.checkpoints, None if force else text, say)
        if path is not None:
            _refuse_changes(path, built, force, say)
            found.append(path)

    by_first(choose, device)
    step = from_first(step_of(found[0]) if found else -1, device)
    if step < 0:
        if folder.log.exists():
            say("no checkpoint was saved yet: starting from the first step")
        return None
    checkpoint = resume.absolute() if resume else folder.checkpoints / folder_name(step)
    say(f"resuming from {checkpoint}")
    return checkpoint


def _refuse_changes(checkpoint: Path, built: Run, force: bool, say: Callable[[str], None]) -> None:
    """Refuses other processes or data than the checkpoint's, unless forced; warns of other versions and code."""
    trainer, before = built.trainer, made_with(checkpoint)
    _refuse_other_processes(checkpoint, trainer.args.world_size, force)
    tokens = vocabulary_beside(checkpoint), built.vocabulary.token_to_id
    if changes := data_changes(before.get("data"), trainer.made_with["data"], *tokens):
        if not force:
            raise OtherData(
                f"{checkpoint}: {changes}. Put back the data it trained on, or --overwrite to start anew, or "
                "--force-resume to go on all the same"
            )
        say(f"warning: {checkpoint}: {changes}")
    versions = version_changes(before.get("versions"), trainer.made_with["versions"])
    for change in (*versions, *code_changes(before.get("plugin_code"), trainer.made_with["plugin_code"])):
        say(f"warning: {checkpoint}: {change}: not the same bits as a run left alone")


def _refuse_other_processes(checkpoint: Path, processes: int, force: bool) -> None:
    from jepa_core.checkpoint.state import read_processes

    before = read_processes(checkpoint)
    if before != processes and not force:
        raise OtherRecipe(
            f"{checkpoint}: of a run in {before} process{'es' * (before > 1)}, this one has {processes}, so a step "
            "would be another; --force-resume goes on all the same"
        )
