"""The provenance of a run: versions, plugins, git revision."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jepa_core
from jepa_core.assembly.git_revision import git_revision
from jepa_core.contexts import find_path
from jepa_core.errors import DataError
from jepa_core.paths import as_text
from jepa_core.recipe.examine import marked_paths
from jepa_core.registry.options import option_types

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.registry import Registry

PACKAGES = ("transformers", "accelerate", "numpy", "pluggy", "einops", "safetensors")


def versions() -> dict[str, str]:
    """Versions of Python, jepa-core and packages that can change a number, and the number of threads, which can too."""
    import torch

    return {
        "python": platform.python_version(),
        "jepa-core": jepa_core.__version__,
        "torch": str(torch.__version__),  # its build too, 2.13.0+cu130, which installed metadata leave out
        **{name: metadata.version(name) for name in PACKAGES},
        "threads": str(torch.get_num_threads()),
    }


def device_name(device: Any) -> str:
    """``cpu``, or what a GPU calls itself."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def provenance(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """The ``resolved`` section of ``recipe.resolved.yaml``."""
    return {
        "recipe": as_text(str(recipe.source_path)) if recipe.source_path else None,
        "search": [as_text(str(folder.absolute())) for folder in recipe.search],
        "versions": versions(),
        "plugins": registry.distributions(),
        "git_revision": git_revision(),
    }


def licences(recipe: Recipe, registry: Registry) -> list[str]:
    """Lists, in words, the licence files that lie beside the data that the recipe's components read."""
    found: dict[str, None] = {}
    for _, kind, ref in recipe.components():
        for name, annotation in option_types(registry.find(kind, ref.name).factory).items():
            for _, _, value in marked_paths(annotation, ref.options.get(name)):
                found |= dict.fromkeys(_licences_beside(value, recipe.search))
    return list(found)


def _licences_beside(value: str, search: tuple[Path, ...]) -> list[str]:
    try:
        path = find_path(value, search)
    except DataError:  # an id, or a word
        return []
    folder = path if path.is_dir() else path.parent
    return [f"`{file.name}`, beside `{value}`" for file in sorted(folder.glob("LICEN[CS]E*"))]


def plugin_code(recipe: Recipe, registry: Registry) -> dict[str, str]:
    """Plugin -> sha256 of its code, for plugins used by the recipe: code may change while the version stays."""
    used = {registry.find(kind, ref.name).plugin for _, kind, ref in recipe.components()}
    origins = sorted({plugin.origin for plugin in used})
    return {origin: registry.code_hash(*(p for p in used if p.origin == origin)) for origin in origins}
