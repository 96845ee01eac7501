"""A hash of a plugin's code, which changes with the code even where the version does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from types import ModuleType

#: Files of a package that are hashed, the first by name; in a larger package the others do not count.
MAX_FILES = 2_000


def code_hash(*modules: ModuleType) -> str:
    """sha256 over the Python files of the modules' packages, or over the own file of a module outside a package. A
    package counts once, however many of its modules are given."""
    found = sha256()
    places = sorted({place for module in modules if (place := _package(module) or _own_file(module))})
    for name, path in islice(chain.from_iterable(map(_files, places)), MAX_FILES):
        content = path.read_bytes()
        found.update(f"{name} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    """Name within the package, and path."""
    if place.is_dir():
        for path in sorted(place.rglob("*.py")):
            if path.is_file():
                yield path.relative_to(place).as_posix(), path
    else:
        yield "", place


def _own_file(module: ModuleType) -> Path | None:
    return Path(module.__file__) if module.__file__ else None


def _package(module: ModuleType) -> Path | None:
    """The folder of the outermost package around the module that is no namespace."""
    parts = module.__name__.split(".")
    for count in range(1, len(parts) + 1):
        outer = sys.modules.get(".".join(parts[:count]))
        if outer is not None and hasattr(outer, "__path__") and getattr(outer, "__file__", None):
            return Path(str(outer.__file__)).parent
    return None
