"""A registry of the installed plugins and those that the user named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jepa_core.registry.registry import Registry


def make_registry(modules: Sequence[str] | None = None, files: Sequence[Path] | None = None) -> Registry:
    """Makes a registry of the installed plugins and the named importable modules and Python files."""
    registry = Registry.discover()
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.append(here)  # at the end: a module there hides no other
    for module in modules or ():
        registry.add_module(module)
    for file in files or ():
        registry.add_file(file)
    return registry
