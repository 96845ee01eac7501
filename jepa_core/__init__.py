"""JEPA losses for causal language models.

    recipe = jepa_core.load_recipe("recipes/cosine_k1.yaml", overrides=["objective.k=2"])
    run = jepa_core.build(recipe)
    result = jepa_core.run(recipe)
    again = jepa_core.load(result.output_dir)

The names load on first use, so that ``import jepa_core`` costs neither torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jepa_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from jepa_core.assembly.build import build
    from jepa_core.checkpoint.weights import load
    from jepa_core.launch.run import run
    from jepa_core.recipe.load import load_recipe

__version__ = "0.1.0"
__all__ = ["__version__", "build", "hookimpl", "load", "load_recipe", "run"]

_HOMES = {
    "build": "jepa_core.assembly.build",
    "load": "jepa_core.checkpoint.weights",
    "load_recipe": "jepa_core.recipe.load",
    "run": "jepa_core.launch.run",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'jepa_core' has no attribute '{name}'")
