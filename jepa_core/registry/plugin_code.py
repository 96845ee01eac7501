"""A hash of a plugin's code, which changes with the code even where the version does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import ModuleType

#: Files of a package that are hashed, the first by name; in a larger package the others do not count.
MAX_FILES = 2_000


def code_hash(module: ModuleType) -> str:
    """sha256 over the Python files of the package that the module is in, or over its own file outside a package."""
    found = sha256()
    for name, path in islice(_files(module), MAX_FILES):
        content = path.read_bytes()
        found.update(f"{name} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def _files(module: ModuleType) -> Iterator[tuple[str, Path]]:
    """Yields name within the package, and path."""
    root = _package(module)
    if root is not None:
        for path in sorted(root.rglob("*.py")):
            if path.is_file():
                yield path.relative_to(root).as_posix(), path
    elif module.__file__:
        yield "", Path(module.__file__)


def _package(module: ModuleType) -> Path | None:
    """The folder of the outermost package around the module that is no namespace."""
    parts = module.__name__.split(".")
    for count in range(1, len(parts) + 1):
        outer = sys.modules.get(".".join(parts[:count]))
        if outer is not None and hasattr(outer, "__path__") and getattr(outer, "__file__", None):
            return Path(str(outer.__file__)).parent
    return None
