"""The choice of the checkpoint that a run resumes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from jepa_core.checkpoint.manifest import PREFIX, BadCheckpoint, check_checkpoint, json_of, regular_size, step_of
from jepa_core.errors import JepaError, brief
from jepa_core.recipe.resolve import differences

#: Recipe, number of processes, schedule, and the optimizer's state but for its tensors.
STATE = "state.json"
#: The keys of a recipe that may grow when a run resumes; it has one of the two.
LENGTHS = ("training.max_steps", "training.num_train_epochs")
#: Files not of the model: an optimizer's state, random numbers, and components, which may keep an infinity in a buffer.
_OTHERS = ("optimizer", "random_", "components")
_WRONG = (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError)


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
            check_checkpoint(path)
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
    check_checkpoint(path)
    refuse_non_finite(path)
    if not force and (changed := not_allowed(_recipe_of(path), recipe)):
        raise OtherRecipe(
            f"{path}: a checkpoint of another recipe (differs in {', '.join(changed)}); "
            "--force-resume goes on all the same"
        )
    return path


def in_order(checkpoints: Path) -> list[Path]:
    """The folders that bear a checkpoint's name, whole or not, by their step."""
    return sorted((path for path in checkpoints.glob(f"{PREFIX}*") if step_of(path) >= 0), key=step_of)


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


def refuse_non_finite(checkpoint: Path) -> None:
    """Raises BadCheckpoint naming the first tensor of the model that holds NaN or infinity, whoever wrote it."""
    for path in sorted(checkpoint.glob("*.safetensors")):
        if not path.name.startswith(_OTHERS):
            regular_size(path)
            if bad := _first_bad(path):
                raise BadCheckpoint(f"{path}: the weights are not finite ({bad})")


def _first_bad(path: Path) -> str:
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return next((name for name in names if not file.get_tensor(name).isfinite().all()), "")
    except _WRONG as error:
        raise BadCheckpoint(f"{path}: can't be read: {brief(error)}") from error
