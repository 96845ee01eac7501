"""The choice of the checkpoint that a run resumes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jepa_core.checkpoint.finite import refuse_non_finite
from jepa_core.checkpoint.manifest import BadCheckpoint, check, json_of
from jepa_core.errors import JepaError
from jepa_core.recipe.resolve import differences

#: Recipe, number of processes, schedule, and the optimizer's state but for its tensors.
STATE = "state.json"
#: The keys of a recipe that may grow when a run resumes; it has one of the two.
LENGTHS = ("training.max_steps", "training.num_train_epochs")


class OtherRecipe(JepaError):
    """The checkpoint is of another recipe."""

    exit_status = 2


def newest(checkpoints: Path, recipe: dict[str, Any] | None, warn: Callable[[str], None]) -> Path | None:
    """Finds the latest whole checkpoint of this `recipe` (None: of any).

    Returns None when there are no checkpoints at all; raises BadCheckpoint when there are some and none will do,
    because starting anew would hide that. warn: is told of each that is passed over, and why.
    """
    found = in_order(checkpoints)
    problems: list[str] = []
    for path in reversed(found):
        try:
            check(path)
            refuse_non_finite(path)
            if recipe is not None and (changed := not_allowed(_recipe_of(path), recipe)):
                raise BadCheckpoint(f"{path}: of another run (its recipe differs in {', '.join(changed)})")
        except BadCheckpoint as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warn(f"warning: {problem}; going on from {path.name}, the one before")
        return path
    if problems:
        raise BadCheckpoint(
            "\n".join([f"{checkpoints}: no checkpoint to go on from; --overwrite starts anew", *problems])
        )
    return None


def chosen(path: Path, recipe: dict[str, Any], force: bool = False) -> Path:
    """Returns `path`, made absolute, when it is a whole checkpoint of this recipe.

    force: also when the recipe differs. Raises BadCheckpoint or OtherRecipe.
    """
    path = path.absolute()
    if not path.is_dir():
        raise BadCheckpoint(f"{path}: no checkpoint there")
    check(path)
    refuse_non_finite(path)
    if not force and (changed := not_allowed(_recipe_of(path), recipe)):
        raise OtherRecipe(
            f"{path}: a checkpoint of another recipe (differs in {', '.join(changed)}); "
            "--force-resume goes on all the same"
        )
    return path


def in_order(checkpoints: Path) -> list[Path]:
    """The folders that bear a checkpoint's name, whole or not, by their step."""
    steps = {path: path.name.removeprefix("checkpoint-") for path in checkpoints.glob("checkpoint-*")}
    return sorted((p for p, step in steps.items() if step.isdecimal()), key=lambda path: int(steps[path]))


def not_allowed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The dotted keys in which a run's recipe changed, but for a length that grew."""
    return [key for key in differences(before, after) if key not in LENGTHS or not grew(before, after, key)]


def grew(before: dict[str, Any], after: dict[str, Any], key: str) -> bool:
    """Tells whether the number at a dotted key of a recipe is larger than it was."""
    section, _, name = key.partition(".")
    was, is_now = (recipe[section].get(name) for recipe in (before, after))
    return isinstance(was, int | float) and isinstance(is_now, int | float) and was < is_now


def made_with(checkpoint: Path) -> dict[str, Any]:
    """The data and versions that a checkpoint was trained with; empty for one of a version that did not note them."""
    state = json_of(checkpoint / STATE)
    found = state.get("made_with") if isinstance(state, dict) else None
    return found if isinstance(found, dict) else {}


def _recipe_of(checkpoint: Path) -> dict[str, Any]:
    state = json_of(checkpoint / STATE)
    recipe = state.get("recipe") if isinstance(state, dict) else None
    if not isinstance(recipe, dict):
        raise BadCheckpoint(f"{checkpoint / STATE}: names no recipe")
    return recipe
