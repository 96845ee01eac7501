"""Loading a recipe: reads strictly, overrides, checks everything, and reports all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.errors import JepaError, show
from jepa_core.recipe.checks import check_components, check_plugins, check_refusals, check_schema
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.older import modernise
from jepa_core.recipe.overrides import apply_overrides
from jepa_core.recipe.schema import Recipe, search_folders
from jepa_core.recipe.sources import find_recipe, shipped_folder
from jepa_core.recipe.strict_yaml import read_yaml
from jepa_core.registry.places import KeyPath, value_at

if TYPE_CHECKING:
    from jepa_core.registry import Registry


def load_recipe(source: str | Path, overrides: Sequence[str] = (), registry: Registry | None = None) -> Recipe:
    """Loads the recipe in a file, or a shipped one by name, changed by ``key=value`` overrides.

    registry: the components to check it against; left out, those installed.
    Raises RecipeError with every problem of the file and of the overrides, by line.
    """
    from jepa_core.recipe.model_config import config_problems

    if isinstance(overrides, str) or not all(isinstance(each, str) for each in overrides):
        raise JepaError(f"overrides: expected a list of KEY=VALUE, like ['objective.k=2'], not {show(overrides)}")
    registry = registry or _installed()
    reading = Reading(find_recipe(source), overrides, registry)
    reading.check_model(config_problems)
    check_refusals(reading.draft, registry)
    return reading.recipe()


class Reading:
    """A recipe being read: its draft, with the problems found so far; words: a sentence for each older key in it."""

    def __init__(self, path: Path, overrides: Sequence[str], registry: Registry):
        self.path = path
        self.draft = Draft(read_yaml(path))
        noted = self.draft.data.pop("resolved", None)  # what a run noted about itself; its resolved recipe runs again
        self._noted = _noted_search(noted)
        self.draft.data.setdefault("output_dir", f"runs/{path.stem}")
        self.words = modernise(self.draft, registry)
        apply_overrides(self.draft, overrides)
        self.words += modernise(self.draft, registry)  # overrides may use older keys too
        self._recipe = check_schema(self.draft)
        check_components(self.draft, registry)
        check_plugins(self.draft, registry)

    @property
    def search(self) -> tuple[Path, ...]:
        """The folders in which data files are looked for; known even where the recipe has problems."""
        return search_folders(self.path, self._noted, (shipped_folder(),))

    def check_model(self, problems: Callable[[dict[str, Any]], Iterable[tuple[KeyPath, str]]]) -> None:
        """Adds the problems of the model's configuration, where there is one."""
        config = value_at(self.draft.data, ("model", "config"))
        for path, words in problems(config) if isinstance(config, dict) else ():
            self.draft.add(("model", "config", *path), words)

    def recipe(self) -> Recipe:
        """The recipe. Raises RecipeError with every problem so far, by line."""
        self.draft.raise_problems()
        found = self._recipe
        assert found is not None, "what does not validate has problems"
        found._source_path, found._places, found._older = self.path, self.draft.places, tuple(self.words)
        found._noted_search, found._shipped = self._noted, (shipped_folder(),)
        return found


def _noted_search(noted: object) -> tuple[Path, ...]:
    """The data folders that a resolved recipe notes: those searched by the run that wrote it."""
    folders = noted.get("search") if isinstance(noted, dict) else None
    return tuple(Path(f) for f in folders if isinstance(f, str)) if isinstance(folders, list) else ()


def _installed() -> Registry:
    """The installed plugins; their import is slow, hence late."""
    from jepa_core.registry import Registry

    return Registry.discover()
