"""Checks that the trackers that a recipe reports to are installed here.

Loading a recipe doesn't check: a finished run may be read on a machine without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe

#: Trackers that any one of several modules will do for; the others need the module of their name.
_MODULES = {"tensorboard": ("tensorboard", "tensorboardX")}


def refuse_missing_trackers(recipe: Recipe) -> None:
    """Raises RecipeError for a tracker that is not installed; transformers would not say so before it trains."""
    for number, message in missing_trackers(recipe.training.report_to):
        raise recipe.error(f"training.report_to.{number}", message)


def missing_trackers(names: Iterable[object]) -> Iterator[tuple[int, str]]:
    """Yields the number of each tracker that is not installed, and what to do."""
    for number, name in enumerate(names):
        if isinstance(name, str) and not any(map(_installed, _MODULES.get(name, (name,)))):
            yield number, f"the package '{name}' is not installed: pip install {name}, or leave it out"


def _installed(module: str) -> bool:
    """Tells whether a package is installed; a mere folder of the name, as wandb makes one, does not count."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None
