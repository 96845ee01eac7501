"""Whether a folder's run is this recipe's, and from which checkpoint it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.checkpoint.choosing import OtherRecipe, chosen, newest, not_allowed
from jepa_core.checkpoint.manifest import folder_name
from jepa_core.distributed import by_first, from_first
from jepa_core.folder.run_folder import FolderTaken, RunFolder
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import differences, resolved
from jepa_core.registry import Registry

if TYPE_CHECKING:
    from jepa_core.training.trainer import JepaTrainer


def refuse_other_run(folder: RunFolder, text: dict[str, Any], registry: Registry, force: bool) -> None:
    """A folder belongs to one recipe; only more steps are a reason to go on in it.

    text: the recipe, resolved; force: go on under another recipe. Raises FolderTaken naming what differs.
    """
    if not (changed := other_recipe(folder, text, registry)) or (force and not folder.finished):
        return
    what = "a finished" if folder.finished else "an unfinished"
    more = "" if folder.finished else ", or --force-resume to go on with what it learned"
    raise FolderTaken(
        f"{folder.path}: holds {what} run of another recipe (differs in {', '.join(changed)}); "
        f"give another output_dir, or --overwrite to start anew{more}"
    )


def other_recipe(folder: RunFolder, text: dict[str, Any], registry: Registry) -> list[str]:
    """In which keys the recipe of the run in `folder` differs, so that this one can't go on in it."""
    if not folder.started:
        return []
    before = resolved(load_recipe(folder.recipe, registry=registry), registry)
    return differences(before, text) if folder.finished else not_allowed(before, text)


def agreed(
    folder: RunFolder, trainer: JepaTrainer, resume: Path | None, force: bool, say: Callable[[str], None]
) -> Path | None:
    """The checkpoint to go on from, the same in all processes; None for the first step.

    resume: the one that the user asked for. Raises BadCheckpoint or OtherRecipe.
    """
    text, device = trainer.recipe or {}, trainer.args.device
    found: list[Path] = []

    def choose() -> None:
        path = chosen(resume, text, force) if resume else newest(folder.checkpoints, None if force else text, say)
        if path is not None:
            _refuse_other_processes(path, trainer.args.world_size, force)
            found.append(path)

    by_first(choose, device)
    step = from_first(int(found[0].name.removeprefix("checkpoint-")) if found else -1, device)
    if step < 0:
        if folder.log.exists():
            say("no checkpoint was saved yet: starting from the first step")
        return None
    checkpoint = resume.absolute() if resume else folder.checkpoints / folder_name(step)
    say(f"resuming from {checkpoint}")
    return checkpoint


def _refuse_other_processes(checkpoint: Path, processes: int, force: bool) -> None:
    from jepa_core.checkpoint.state import read_processes

    before = read_processes(checkpoint)
    if before != processes and not force:
        raise OtherRecipe(
            f"{checkpoint}: of a run in {before} process{'es' * (before > 1)}, this one has {processes}, so a step "
            "would be another; --force-resume goes on all the same"
        )
