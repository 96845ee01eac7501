"""Loading a recipe: read strictly, override, check all of it, and only then say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.recipe.checks import check_components, check_plugins, check_schema
from jepa_core.recipe.draft import Draft
from jepa_core.recipe.older import modernise
from jepa_core.recipe.overrides import apply_overrides
from jepa_core.recipe.schema import Recipe
from jepa_core.recipe.sources import find_recipe, shipped_folder
from jepa_core.recipe.strict_yaml import read_yaml

if TYPE_CHECKING:
    from jepa_core.registry import Registry


def load_recipe(source: str | Path, overrides: Sequence[str] = (), registry: Registry | None = None) -> Recipe:
    """The recipe in a file, or a shipped one by name, changed by ``key=value`` overrides.

    registry: the components to check it against; left out, those installed.
    Raises RecipeError with every problem of the file and of the overrides, by line.
    """
    path = find_recipe(source)
    draft = Draft(read_yaml(path))
    noted = draft.data.pop("resolved", None)  # what a run noted about itself; its resolved recipe runs again
    draft.data.setdefault("output_dir", f"runs/{path.stem}")
    registry = registry or _installed()
    words = modernise(draft, registry)
    apply_overrides(draft, overrides)
    words += modernise(draft, registry)  # overrides may use older keys too
    recipe = check_schema(draft)
    _check_what_is_installed(draft, registry)
    draft.raise_problems()
    assert recipe is not None, "what does not validate has problems"
    recipe._source_path, recipe._places, recipe._older = path, draft.places, tuple(words)
    recipe._noted_search, recipe._shipped = _noted_search(noted), (shipped_folder(),)
    return recipe


def _noted_search(noted: Any) -> tuple[Path, ...]:
    """Where the run that wrote a resolved recipe looked for data files."""
    folders = noted.get("search") if isinstance(noted, dict) else None
    return tuple(Path(f) for f in folders if isinstance(f, str)) if isinstance(folders, list) else ()


def _installed() -> Registry:
    """The installed plugins; their import is slow, hence late."""
    from jepa_core.registry import Registry

    return Registry.discover()


def _check_what_is_installed(draft: Draft, registry: Registry) -> None:
    """Components, plugins and the model's configuration."""
    check_components(draft, registry)
    check_plugins(draft, registry)
    model = draft.data.get("model")
    config = model.get("config") if isinstance(model, dict) else None
    if isinstance(config, dict):
        from jepa_core.recipe.model_config import config_problems

        for path, words in config_problems(config):
            draft.add(("model", "config", *path), words)
