"""Finding recipes: files, and the ones that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jepa_core.errors import Problem, RecipeError, did_you_mean
from jepa_core.paths import at_home
from jepa_core.recipe.strict_yaml import load_yaml


def shipped_folder() -> Path:
    """The folder of the package ``jepa_recipes``."""
    return Path(str(files("jepa_recipes")))


def shipped_recipes() -> dict[str, Path]:
    """Name -> file of every recipe in the package ``jepa_recipes``, sorted."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.yaml"))}


def descriptions() -> dict[str, str]:
    """Name -> description of every shipped recipe."""
    return {name: str(load_yaml(path).data["description"]) for name, path in shipped_recipes().items()}


def is_recipe(source: str) -> bool:
    """Tells whether there is such a file, or a shipped recipe of this name."""
    try:
        return source in shipped_recipes() or Path(at_home(source)).exists()
    except (OSError, ValueError):  # not the name of a file
        return False


def find_recipe(source: str | Path) -> Path:
    """Finds the recipe file that `source` means: a file, or the name of a shipped recipe.

    Raises RecipeError when there is none, naming a close one.
    """
    path = Path(at_home(str(source)))
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:
        raise _not_found(source, f"not the name of a file: {error}") from error
    shipped = shipped_recipes()
    if str(source) in shipped:
        return shipped[str(source)]
    if is_folder:
        raise _not_found(source, "is a folder, not a recipe")
    beside = [str(other) for other in sorted(path.parent.glob("*.yaml"))]
    close = did_you_mean(str(source), [*beside, *shipped]) or did_you_mean(path.stem, shipped)
    raise _not_found(source, f"no such file, and no shipped recipe of this name{close}")


def _not_found(source: str | Path, message: str) -> RecipeError:
    return RecipeError([Problem(str(source), "", message)])
