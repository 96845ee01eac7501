"""Finding the source of an importable module without importing it or its parents."""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Unread(Exception):
    """The source alone does not tell."""


def file_of(module: str) -> tuple[Path, bool]:
    """The file of a module, and whether the module is a package. Raises Unread where there is none."""
    folders, parts = None, module.split(".")
    for depth in range(1, len(parts) + 1):
        found = _spec(".".join(parts[:depth]), folders)
        if found is None or (found.submodule_search_locations is None and depth < len(parts)):
            raise Unread(f"there is no module {module}")
        folders = found.submodule_search_locations
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        raise Unread(f"{module} has no source")
    return Path(found.origin), folders is not None


def _spec(name: str, folders: Any) -> Any:
    if folders is not None:
        return PathFinder.find_spec(name, list(map(str, folders)))  # transformers has paths there once it is imported
    return find_spec(name)  # top level: editable installs have finders of their own
